"""Absolute addresses of our pages for letters, which are written outside any request."""

from __future__ import annotations


class SiteLinks:
    """`gateways.letters.Links` for this site. A test holds every address to the URL map."""

    def __init__(self, site_url: str) -> None:
        self._site = site_url

    def _at(self, lang: str, path: str = "") -> str:
        return f"{self._site}/{lang}/{path}"

    def home(self, lang: str) -> str:
        return self._at(lang)

    def booking(self, reference: str, lang: str) -> str:
        return self._at(lang, f"bookings/{reference}")

    def dispute(self, reference: str, lang: str, side: str) -> str:
        middle = "expert/bookings" if side == "expert" else "bookings"
        return self._at(lang, f"{middle}/{reference}/dispute")

    def expert_booking(self, reference: str, lang: str) -> str:
        return self._at(lang, f"expert/bookings/{reference}")

    def verify(self, token: str, lang: str) -> str:
        return self._at(lang, f"verify/{token}")

    def reset(self, token: str, lang: str) -> str:
        return self._at(lang, f"reset/{token}")

    def new_address(self, token: str, lang: str) -> str:
        return self._at(lang, f"new-address/{token}")

    def keep_address(self, token: str, lang: str) -> str:
        return self._at(lang, f"keep-address/{token}")

    def log_in(self, lang: str) -> str:
        return self._at(lang, "log-in")

    def review(self, reference: str, lang: str, side: str) -> str:
        middle = "expert/bookings" if side == "expert" else "bookings"
        return self._at(lang, f"{middle}/{reference}/review")

    def money(self, lang: str) -> str:
        return self._at(lang, "expert/money")

    def rescue(self, reference: str, lang: str) -> str:
        return self._at(lang, f"bookings/{reference}/rescue")

    def check(self, reference: str, lang: str) -> str:
        return self._at(lang, f"bookings/{reference}/check")

    def approval(self, reference: str, lang: str) -> str:
        return self._at(lang, f"approvals/{reference}")

    def approver_invitation(self, token: str, lang: str) -> str:
        return self._at(lang, f"invitations/{token}")

    def offer(self, slug: str, lang: str) -> str:
        return self._at(lang, f"offers/{slug}")

    def own_offer(self, offer_id: str, lang: str) -> str:
        return self._at(lang, f"expert/offers/{offer_id}")

    def application(self, lang: str) -> str:
        return self._at(lang, "expert/application")

    def busy_calendars(self, lang: str) -> str:
        return self._at(lang, "expert/calendars")

    def payout_account(self, lang: str) -> str:
        return self._at(lang, "expert/account")

    def profile(self, lang: str) -> str:
        return self._at(lang, "expert/profile")

    def reviews_policy(self, lang: str) -> str:
        return self._at(lang, "reviews")

    def terms(self, lang: str) -> str:
        return self._at(lang, "terms")

    def enquiry(self, enquiry_id: str, lang: str, side: str) -> str:
        return self._at(lang, f"{'expert/' if side == 'expert' else ''}enquiries/{enquiry_id}")

    def unsubscribe(self, token: str, lang: str) -> str:
        return self._at(lang, f"unsubscribe/{token}")

    def reminders(self, token: str, kind: str, lang: str) -> str:
        return self._at(lang, f"reminders/{token}/{kind}")

    def saved_search(self, search_id: str, lang: str) -> str:
        return self._at(lang, f"saved-searches/{search_id}")

    def question(self, question_id: str, lang: str, side: str) -> str:
        return self._at(lang, f"{'expert/' if side == 'expert' else ''}questions/{question_id}")

    def places(self, lang: str) -> str:
        return self._at(lang, "places")

    def slots(self, slug: str, lang: str) -> str:
        return self._at(lang, f"offers/{slug}/slots")

    def asked_times(self, times_id: str, lang: str) -> str:
        return self._at(lang, f"expert/times/{times_id}")

    def ledger(self, lang: str) -> str:
        return self._at(lang, "operator/ledger")

    def chargeback(self, chargeback_id: str, lang: str) -> str:
        return self._at(lang, f"operator/chargebacks/{chargeback_id}")
