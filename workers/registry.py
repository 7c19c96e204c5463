"""Every job and every cron entry, listed by hand as an overview of the work of a worker."""

from typing import Any

from saq import CronJob

from grome.audit.jobs import destroy_address_keys, renew_audit_keys, sign_audit_head
from grome.bookings.jobs import close_overdue, expire_unanswered
from grome.chat.jobs import discard_photos
from grome.chat.photos import DISCARD_PHOTOS
from grome.factors.jobs import reseal_app_secrets
from grome.infrastructure.jobs.models import JobKind
from grome.infrastructure.jobs.runner import Handler
from grome.infrastructure.outbox.deferred_events import REDELIVER
from grome.infrastructure.outbox.jobs import follow_later
from grome.ledger.jobs import seal_ledger
from grome.notifications.dispatcher import SEND_JOBS
from grome.notifications.jobs import dispatch, plan_reminders, send
from grome.notifications.planner import NOTIFY
from grome.payments.inbox.jobs import process_stripe_event
from grome.payments.inbox.models import STRIPE_EVENT
from grome.payments.jobs import check_payments, settle_payments
from grome.payments.subscriber import SETTLE_PAYMENTS
from grome.payouts.jobs import plan_payouts, send_payout
from grome.payouts.models import SEND_PAYOUT
from grome.photos.jobs import tidy_photos
from grome.privacy.jobs import erase_account, expire_old_data, make_export, sweep_export_files, tend_privacy
from grome.privacy.models import ERASE_ACCOUNT, MAKE_EXPORT
from grome.promos.jobs import sweep_promo_holds
from grome.reconciliation.jobs import compare_with_stripe, fetch_missed_events, reconcile
from grome.reconciliation.models import RECONCILE
from grome.reports.jobs import make_report, sweep_report_files, tend_reports
from grome.reports.service import MAKE_REPORT
from grome.uploads.jobs import remove_unused_uploads
from grome.verification.jobs import remove_old_documents
from grome.waitlist.jobs import heal_waitlist, offer_freed_time
from grome.waitlist.subscriber import WAITLIST_JOB
from grome.webhooks.jobs import reseal_webhook_secrets, send_webhook
from grome.webhooks.models import WEBHOOK

HANDLERS: dict[JobKind, Handler] = {
    REDELIVER: follow_later,
    WEBHOOK: send_webhook,
    NOTIFY: dispatch,
    **dict.fromkeys(SEND_JOBS.values(), send),
    MAKE_REPORT: make_report,
    MAKE_EXPORT: make_export,
    ERASE_ACCOUNT: erase_account,
    STRIPE_EVENT: process_stripe_event,
    WAITLIST_JOB: offer_freed_time,
    RECONCILE: reconcile,
    SETTLE_PAYMENTS: settle_payments,
    SEND_PAYOUT: send_payout,
    DISCARD_PHOTOS: discard_photos,
}

# Each entry sets timeout and retries, since SAQ's defaults are ten seconds and one attempt.
CRON: tuple[CronJob[Any], ...] = (
    CronJob(expire_unanswered, cron="* * * * *", timeout=50, retries=3),
    CronJob(close_overdue, cron="*/10 * * * *", timeout=300, retries=3),
    CronJob(plan_reminders, cron="* * * * *", timeout=50, retries=3),
    CronJob(heal_waitlist, cron="* * * * *", timeout=50, retries=3),
    CronJob(seal_ledger, cron="* * * * *", timeout=50, retries=3),
    CronJob(sign_audit_head, cron="* * * * *", timeout=50, retries=3),
    CronJob(renew_audit_keys, cron="27 3 * * *", timeout=600, retries=3),
    CronJob(destroy_address_keys, cron="29 3 * * *", timeout=300, retries=3),
    CronJob(reseal_webhook_secrets, cron="33 3 * * *", timeout=600, retries=3),
    CronJob(reseal_app_secrets, cron="39 3 * * *", timeout=600, retries=3),
    CronJob(sweep_promo_holds, cron="* * * * *", timeout=50, retries=3),
    CronJob(check_payments, cron="* * * * *", timeout=300, retries=3),
    CronJob(plan_payouts, cron="*/10 * * * *", timeout=300, retries=3),
    CronJob(fetch_missed_events, cron="*/5 * * * *", timeout=280, retries=3),
    CronJob(compare_with_stripe, cron="*/15 * * * *", timeout=600, retries=3),
    CronJob(tend_reports, cron="* * * * *", timeout=50, retries=3),
    CronJob(tend_privacy, cron="* * * * *", timeout=50, retries=3),
    CronJob(expire_old_data, cron="23 3 * * *", timeout=3_000, retries=3),
    CronJob(sweep_export_files, cron="37 * * * *", timeout=600, retries=3),
    CronJob(remove_unused_uploads, cron="*/15 * * * *", timeout=300, retries=3),
    CronJob(tidy_photos, cron="27 * * * *", timeout=600, retries=3),
    CronJob(remove_old_documents, cron="23 * * * *", timeout=600, retries=3),
    CronJob(sweep_report_files, cron="17 * * * *", timeout=600, retries=3),
)
