"""Enquiries: a problem published when no offer fits, answered by experts with a session, taken by the lead."""

from .answering import propose, take
from .mailing import mail_of, mails_on, set_mails
from .publishing import invite, publish, run_clock, withdraw
from .reading import (
    EnquiryPage,
    ProposalLine,
    enquiry_for_expert,
    enquiry_page,
    fitting_now,
    invitations_waiting,
    list_enquiries,
    open_enquiries,
    own_lines,
)

__all__ = [
    "EnquiryPage", "ProposalLine", "enquiry_for_expert", "enquiry_page", "fitting_now", "invitations_waiting", "invite", "list_enquiries", "mail_of",
    "mails_on", "open_enquiries", "own_lines", "propose", "publish", "run_clock", "set_mails", "take",
    "withdraw",
]  # fmt: skip
