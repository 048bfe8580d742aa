"""The filters of a dashboard: what can be chosen, what is chosen, and the address without it."""

from dataclasses import dataclass

from reporting_api.metrics.definitions import DEFINITIONS
from reporting_api.metrics.question import Filters
from tallystick.schemas.programme import Programme
from tallystick.service.pages.address import Address

_LABELS = {each.name.value: each.label for each in DEFINITIONS.dimensions}


@dataclass(frozen=True, slots=True)
class Option:
    """A value that a dimension can be narrowed to."""

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Field:
    """One dimension of the form."""

    name: str
    label: str
    options: tuple[Option, ...]

    @property
    def chosen(self) -> tuple[str, ...]:
        """The values that are chosen; none of them means all."""
        return tuple(option.value for option in self.options if option.chosen)


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is set, and the address of the page without it."""

    label: str
    value: str
    removed: str


def fields(document: Programme, filters: Filters, vendor: str | None) -> tuple[Field, ...]:
    """The fields of the form: what the programme's document lists, and what is chosen beside that.

    A vendor's people choose among their own sites, and no vendor.
    """
    sites = sorted({site for each in document.vendors for site in each.sites})
    offered: dict[str, dict[str, str]] = {
        "vendor": {} if vendor else {each.slug: each.name for each in document.vendors},
        "site": {site: site for site in sites},
        "queue": {queue: queue for queue in document.queues},
        "market": {market: market for market in document.markets},
        "language": {language: language for language in document.languages},
        "policy": {policy.code: policy.name for policy in document.policy_set.policies},
    }
    made = (_field(name, listed, filters.get(name, ())) for name, listed in offered.items())
    return tuple(each for each in made if each.options)


def _field(name: str, listed: dict[str, str], chosen: tuple[str, ...]) -> Field:
    values = listed | {value: value for value in chosen if value not in listed}
    return Field(name, _LABELS[name], tuple(Option(value, label, value in chosen) for value, label in values.items()))


def others(address: Address, shown: tuple[Field, ...]) -> list[tuple[str, str]]:
    """What stands in the address and not in the form: it is handed on as it is."""
    known = {"from", "to", *(field.name for field in shown)}
    return [pair for pair in address.given if pair[0] not in known]


def chips(address: Address, filters: Filters) -> tuple[Chip, ...]:
    """The filters that are set."""
    return tuple(Chip(_LABELS[name], value, address.without(name, value)) for name, values in filters.items() for value in values)
