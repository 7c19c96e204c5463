"""The waitlist: customers wait for taken time, and are offered time that becomes free, one customer at a time.

Pattern: an offer is a booking that awaits its customer. The subscriber turns events of bookings and changes of barbers
into jobs; a job searches the waiting entries in order and offers each the first free start that suits it.

Concurrency: an entry is marked as offered before its booking is made, by one conditional update. A unique index allows
one open offer per customer. The booking claims its time like any other, so a lost race withdraws the offer.

Lifecycle: waiting, offered, then booked once both sides agree. A declined or unanswered offer sets the entry back to
waiting. An entry lapses at the end of its window or after three unanswered offers, and is deleted 30 days after its
end.

Invariants: jobs are idempotent. `WaitlistMatcher.reconcile` runs each minute and repairs lost events, orphaned offers
and time that becomes free without an event.
"""
