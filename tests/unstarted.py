"""The services as they are before they start, for what needs no database."""

from typing import Any

from fastapi import FastAPI

from audit_api.app import create_app as create_audit_api
from audit_api.settings import AuditSettings
from rca_api.app import create_app as create_rca_api
from rca_api.settings import RcaSettings
from reporting_api.app import create_app as create_reporting_api
from reporting_api.settings import ReportingSettings


def unstarted() -> dict[str, FastAPI]:
    """Each service by the prefix under which the gateway shows it."""
    nowhere: dict[str, Any] = {"database_url": "postgresql://nobody@/nowhere", "secret": "of nobody"}
    return {
        "/audit": create_audit_api(AuditSettings(**nowhere)),
        "/rca": create_rca_api(RcaSettings(**nowhere)),
        "/reporting": create_reporting_api(ReportingSettings(**nowhere)),
    }
