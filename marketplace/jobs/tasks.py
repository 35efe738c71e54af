"""Every job by its name, and how a worker runs them.

A job may run twice (a killed worker's is taken up again), so each calls a service that is the same
the second time. Arguments are ids as text.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any
from uuid import UUID

import procrastinate
import sqlalchemy as sa

from ..domain.errors import ProviderBusy
from ..domain.pricing import PlatformTax
from ..gateways.queue import UNHURRIED
from ..house import House
from ..services import (
    availability,
    bookings,
    chargebacks,
    enquiries,
    free_days,
    ledger,
    letters,
    payments,
    payouts,
    platform_payouts,
    questions,
    queues,
    rescues,
    reviews,
    saved_searches,
    search,
)
from ..storage.clock import real_now

log = logging.getLogger(__name__)
Job = Callable[..., object]
# Six tries over about an hour; then the job stands as failed, and the sweep is the last resort.
RETRY = procrastinate.RetryStrategy(max_attempts=6, exponential_wait=4)


def _ids(run: Callable[..., object]) -> Job:
    """Arguments that are ids come as text."""

    def call(house: House, **arguments: str) -> object:
        return run(house, **{name: _id(value) for name, value in arguments.items()})

    return call


def _id(value: str) -> UUID | str:
    try:
        return UUID(value)
    except ValueError:
        return value


JOBS: Mapping[str, Job] = {
    "payments.carry_out": _ids(lambda h, call_id: payments.carry_out(h.db, h.payments, call_id)),
    "payments.apply_event": _ids(lambda h, inbox_id: payments.apply_event(h.db, h.payments, inbox_id)),
    "chargebacks.stage": _ids(
        lambda h, chargeback_id, **_: chargebacks.stage(h.db, chargeback_id, site=h.config.site_name)
    ),
    "letters.chargeback_moved": _ids(lambda h, **ids: letters.chargeback_moved(h.db, h.stationery, **ids)),
    "letters.booking_moved": _ids(lambda h, **ids: letters.booking_moved(h.db, h.stationery, **ids)),
    "letters.refund_settled": _ids(lambda h, **ids: letters.refund_settled(h.db, h.stationery, **ids)),
    "letters.transfer_made": _ids(lambda h, **ids: letters.transfer_made(h.db, h.stationery, **ids)),
    "letters.review_sent": _ids(lambda h, **ids: letters.review_sent(h.db, h.stationery, **ids)),
    "letters.enquiry_invited": _ids(lambda h, **ids: letters.enquiry_invited(h.db, h.stationery, **ids)),
    "letters.enquiry_answered": _ids(lambda h, **ids: letters.enquiry_answered(h.db, h.stationery, **ids)),
    "letters.enquiry_closed": _ids(lambda h, **ids: letters.enquiry_closed(h.db, h.stationery, **ids)),
    "letters.approver_invited": _ids(lambda h, **ids: letters.approver_invited(h.db, h.stationery, **ids)),
    "letters.question_asked": _ids(lambda h, **ids: letters.question_asked(h.db, h.stationery, **ids)),
    "letters.question_closed": _ids(lambda h, **ids: letters.question_closed(h.db, h.stationery, **ids)),
    "letters.link": _ids(lambda h, **ids: letters.link(h.db, h.stationery, **ids)),
    "letters.address_known": _ids(lambda h, **ids: letters.address_known(h.db, h.stationery, **ids)),
    "letters.address_changing": _ids(lambda h, **ids: letters.address_changing(h.db, h.stationery, **ids)),
    "letters.address_changed": _ids(lambda h, **ids: letters.address_changed(h.db, h.stationery, **ids)),
    "letters.security_changed": _ids(lambda h, **ids: letters.security_changed(h.db, h.stationery, **ids)),
    "letters.application_received": _ids(
        lambda h, **ids: letters.application_received(h.db, h.stationery, **ids)
    ),
    "letters.restriction_laid": _ids(lambda h, **ids: letters.restriction_laid(h.db, h.stationery, **ids)),
    "letters.restriction_lifted": _ids(
        lambda h, **ids: letters.restriction_lifted(h.db, h.stationery, **ids)
    ),
    "letters.notice_received": _ids(lambda h, **ids: letters.notice_received(h.db, h.stationery, **ids)),
    "letters.books_alarm": _ids(lambda h, **ids: letters.books_alarm(h.db, h.stationery, **ids)),
    "letters.calendar_failing": _ids(lambda h, **ids: letters.calendar_failing(h.db, h.stationery, **ids)),
    "letters.calendar_read_again": _ids(
        lambda h, **ids: letters.calendar_read_again(h.db, h.stationery, **ids)
    ),
    "letters.send": _ids(lambda h, letter_id: letters.send(h.db, h.mail, letter_id)),
    "search.encode_offer": _ids(lambda h, offer_id: search.encode_offer(h.db, h.encoders, offer_id)),
    "free_days.renew": _ids(lambda h, expert_id: free_days.renew(h.db, expert_id)),
    "free_days.renew_of_booking": _ids(
        lambda h, booking_id, **_: free_days.renew_of_booking(h.db, booking_id)
    ),
    "free_days.renew_of_offer": _ids(lambda h, offer_id: free_days.renew_of_offer(h.db, offer_id)),
    "queues.serve": _ids(lambda h, expert_id: queues.serve(h.db, expert_id)),
    "queues.serve_of_booking": _ids(lambda h, booking_id, **_: queues.serve_of_booking(h.db, booking_id)),
    "letters.times_asked": _ids(lambda h, **ids: letters.times_asked(h.db, h.stationery, **ids)),
    "letters.times_closed": _ids(lambda h, **ids: letters.times_closed(h.db, h.stationery, **ids)),
    "letters.place_moved": _ids(lambda h, **ids: letters.place_moved(h.db, h.stationery, **ids)),
    "rescues.fill": _ids(lambda h, rescue_id: rescues.fill_rescue(h.db, h.encoders, rescue_id, _platform(h))),
}


def _platform(house: House) -> PlatformTax:
    return PlatformTax(house.config.platform_country, house.config.platform_vat, fees=house.config.fees)


def sweep_minute(house: House) -> None:
    """Deadlines, and what the provider owes an answer on."""
    beat(house)
    bookings.run_clock(house.db, house.payments)
    payouts.run_due_transfers(house.db, house.payments)
    chargebacks.run_clock(house.db, site=house.config.site_name)
    letters.tell_decided(house.db, house.stationery)
    letters.remind_of_chargebacks(house.db, house.stationery)
    letters.remind(house.db, house.stationery)
    questions.run_clock(house.db)
    enquiries.run_clock(house.db)
    queues.run_times_clock(house.db)
    queues.run_clock(house.db)


def sweep_five_minutes(house: House) -> None:
    """Whatever was in flight too long."""
    payments.sweep(house.db, house.payments)
    _tell_of_ended_windows(house)
    free_days.renew_due(house.db)
    queues.serve_due(house.db)
    saved_searches.look(house.db, house.encoders)
    letters.news_today(house.db, house.stationery)


def keep_books(house: House) -> None:
    """Our own payouts followed, the books checked against the provider's, months closed and paid out for.

    A pass of its own: a provider that does not answer must hold up nobody's deadline.
    """
    _unless_busy(lambda: platform_payouts.follow(house.db, house.payments))
    run = ledger.watch(house.db, house.payments)
    for finding in ledger.findings_of(run):
        log.error("ledger check: %s", finding.text)
    ledger.close_due(house.db)
    _unless_busy(lambda: platform_payouts.run_monthly(house.db, house.payments))


def _unless_busy(act: Callable[[], object]) -> None:
    try:
        act()
    except ProviderBusy:
        log.warning("the provider does not answer; again in five minutes")


def _tell_of_ended_windows(house: House) -> None:
    """A review that stands alone becomes visible when its window ends, and counts from then on."""
    with house.db.reading() as session:
        ended = reviews.windows_ended(session, house.clock())
    for booking_id in ended:
        letters.reviews_visible(house.db, house.stationery, booking_id=booking_id)
        search.renew_rating(house.db, booking_id)


def beat(house: House) -> None:
    """The worker shows life, in real time."""
    with house.db.transaction() as tx:
        tx.session.execute(
            sa.text(
                "insert into worker_beats (id, beat_at) values (1, :now)"
                " on conflict (id) do update set beat_at = excluded.beat_at"
            ),
            {"now": real_now()},
        )


def catch_up(house: House) -> None:
    """Offers without vectors: their job was lost, or the encoder was changed."""
    search.catch_up(house.db, house.encoders)


def read_calendars(house: House) -> None:
    """Busy calendars whose turn it is. A pass of its own: a slow server must not hold up deadlines."""
    availability.read_due(house.db, availability.Source(house.calendars, house.config.secret_key))
    availability.renew_holidays(house.db, house.holidays)


PERIODIC: Mapping[str, tuple[str, Callable[[House], None]]] = {
    "sweep.minute": ("* * * * *", sweep_minute),
    "sweep.five_minutes": ("*/5 * * * *", sweep_five_minutes),
    "books.keep": ("*/5 * * * *", keep_books),
    "calendars.read": ("* * * * *", read_calendars),
    "search.catch_up": ("* * * * *", catch_up),
}


def worker_app(house: House) -> procrastinate.App:
    """Every job and the schedule, for a worker to run."""
    app = house.queue.worker()
    for name, job in JOBS.items():
        app.task(name=name, retry=RETRY)(_bound(house, job))
    for name, (cron, act) in PERIODIC.items():
        # `lock`: a pass that takes longer than its period never runs beside itself.
        app.periodic(cron=cron)(app.task(name=name, lock=name)(_ticking(house, act)))
    # Without a lock: held by a worker killed in this very pass, nobody would ever free it, nor anything else.
    app.periodic(cron="* * * * *")(app.task(name="queue.retry_stalled")(_retrying(app)))
    return app


def run_worker(house: House) -> None:
    """Run jobs until a signal stops us. What a killed worker was doing is taken up again."""
    app = worker_app(house)
    beat(house)
    app.run_worker(concurrency=4, fetch_job_polling_interval=2.0, delete_jobs="successful")


def _bound(house: House, job: Job) -> Callable[..., None]:
    def run(**arguments: str) -> None:
        job(house, **arguments)

    return run


def _ticking(house: House, act: Callable[[House], None]) -> Callable[[int], None]:
    def run(timestamp: int) -> None:
        act(house)

    return run


def _retrying(app: procrastinate.App) -> Callable[[int], Coroutine[Any, Any, None]]:
    async def run(timestamp: int) -> None:
        for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=60):
            await app.job_manager.retry_job(job)

    return run


def run_pending(house: House, most: int = 500) -> int:
    """Run what is queued, here and now, without waiting for more: for the demo's playing and for tests."""
    done = 0
    while done < most:
        row = _take(house)
        if row is None:
            return done
        name, arguments = row
        if name in JOBS:
            JOBS[name](house, **arguments)
        done += 1
    return done


def jobs_under_way(house: House) -> bool:
    """Whether a job of ours is queued or running; those set for later, after a failure, do not count."""
    with house.db.reading() as session:
        return bool(
            session.scalar(
                sa.text(
                    "select exists (select from procrastinate_jobs where task_name = any(:names)"
                    " and (status = 'doing' or status = 'todo' and (scheduled_at is null or scheduled_at <= now())))"
                ),
                {"names": [name for name in JOBS if name not in UNHURRIED]},
            )
        )


def _take(house: House) -> tuple[str, dict[str, Any]] | None:
    with house.db.transaction() as tx:
        row = tx.session.execute(
            sa.text(
                "delete from procrastinate_jobs where id = (select id from procrastinate_jobs where status = 'todo'"
                " and task_name <> all(:unhurried) and (scheduled_at is null or scheduled_at <= now()) order by id limit 1 for update skip locked) returning task_name, args"
            ),
            {"unhurried": list(UNHURRIED)},
        ).one_or_none()
        return None if row is None else (row.task_name, row.args)
