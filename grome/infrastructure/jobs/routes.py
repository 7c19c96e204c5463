"""`/v1/admin/jobs`."""

from sanic import Request

from grome.common.actor import ADMINS, Actor
from grome.common.errors import NotFound
from grome.infrastructure.http import Routes, resolve
from grome.infrastructure.jobs.admin import JobAdmin
from grome.infrastructure.jobs.errors import WrongJobState
from grome.infrastructure.jobs.schemas import JobOut, JobPage, JobQuery

jobs = Routes("jobs", "/v1/admin/jobs", about="Background jobs, for admins: read, retry and drop.")


@jobs.get("", who=ADMINS)
async def list_jobs(request: Request, query: JobQuery) -> JobPage:
    """List jobs in one state, newest first.

    Without a state it lists dead jobs, which wait for an operator.
    """
    return await resolve(request, JobAdmin).page(query)


@jobs.get("/{job_id}", who=ADMINS, refusals=(NotFound,))
async def read_job(request: Request, job_id: str) -> JobOut:
    """Return one job.

    Finished jobs are kept for a week.
    """
    return await resolve(request, JobAdmin).read(job_id)


@jobs.post("/{job_id}/retry", who=ADMINS, refusals=(NotFound, WrongJobState))
async def retry_job(request: Request, actor: Actor, job_id: str) -> JobOut:
    """Run a dead or dropped job again, with all its tries.

    409 `wrong_job_state` means that the job is pending or done.
    """
    return await resolve(request, JobAdmin).retry(str(actor.id), job_id)


@jobs.post("/{job_id}/drop", who=ADMINS, refusals=(NotFound, WrongJobState))
async def drop_job(request: Request, actor: Actor, job_id: str) -> JobOut:
    """Drop a dead or pending job.

    A running try is not stopped, but no further try follows.
    """
    return await resolve(request, JobAdmin).drop(str(actor.id), job_id)
