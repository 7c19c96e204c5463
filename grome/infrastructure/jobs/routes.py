"""`/v1/admin/jobs`."""

from sanic import Request

from grome.common.actor import ADMINS, Actor
from grome.common.errors import NotFound
from grome.infrastructure.http import Routes, resolve
from grome.infrastructure.jobs.admin import JobAdmin
from grome.infrastructure.jobs.errors import WrongJobState
from grome.infrastructure.jobs.schemas import JobOut, JobPage, JobQuery

jobs = Routes("jobs", "/v1/admin/jobs")


@jobs.get("", who=ADMINS)
async def list_jobs(request: Request, query: JobQuery) -> JobPage:
    """Jobs in one state, newest first; unless another is asked for, those that are dead."""
    return await resolve(request, JobAdmin).page(query)


@jobs.get("/{job_id}", who=ADMINS, refusals=(NotFound,))
async def read_job(request: Request, job_id: str) -> JobOut:
    """One job. What is done is kept for a week."""
    return await resolve(request, JobAdmin).read(job_id)


@jobs.post("/{job_id}/retry", who=ADMINS, refusals=(NotFound, WrongJobState))
async def retry_job(request: Request, actor: Actor, job_id: str) -> JobOut:
    """Give a dead or dropped job all its tries anew."""
    return await resolve(request, JobAdmin).retry(str(actor.id), job_id)


@jobs.post("/{job_id}/drop", who=ADMINS, refusals=(NotFound, WrongJobState))
async def drop_job(request: Request, actor: Actor, job_id: str) -> JobOut:
    """Decide that a dead or pending job need not be done. A try that runs is not stopped; none follows it."""
    return await resolve(request, JobAdmin).drop(str(actor.id), job_id)
