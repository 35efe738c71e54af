"""Public holidays by the `holidays` package, which knows some two hundred countries."""

from __future__ import annotations

from datetime import date

import holidays


class HolidaysPackage:
    """See the port."""

    def countries(self) -> tuple[str, ...]:
        """ISO 3166 codes, in order."""
        return tuple(sorted(holidays.list_supported_countries(include_aliases=False)))

    def regions(self, country: str) -> tuple[tuple[str, str], ...]:
        """(code, name) of its regions that have days of their own."""
        codes = holidays.list_supported_countries(include_aliases=False).get(country, [])
        if not codes:
            return ()
        names: dict[str, list[str]] = holidays.country_holidays(country).get_subdivision_aliases()
        return tuple((code, next(iter(names.get(code, [])), code)) for code in codes)

    def days(self, country: str, region: str, first: int, last: int, language: str) -> dict[date, str]:
        """Each day from year `first` to `last` with its name; none for a country or region nobody knows."""
        if country not in self.countries() or (region and region not in dict(self.regions(country))):
            return {}
        # A language the country's list is not in gives its own.
        found = holidays.country_holidays(
            country,
            subdiv=region or None,
            years=range(first, last + 1),
            language=_language(country, language),
        )
        return dict(sorted(found.items()))


def _language(country: str, wanted: str) -> str | None:
    known = holidays.list_localized_countries().get(country, [])
    return next((code for code in known if code.split("_")[0] == wanted), None)
