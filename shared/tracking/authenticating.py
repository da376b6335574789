"""Chooses how callers are known, by the settings."""

from shared.config import Settings
from shared.tracking.callers import Authentication, Callers, Unconfigured
from shared.tracking.principal import PrincipalCallers
from shared.tracking.signing_keys import Clock, PublishedKeys, SigningKeys
from shared.tracking.tokens import TokenCallers, expected_of


def callers_by(settings: Settings, now: Clock) -> Callers:
    """Return what tells callers; never both ways, for each header means nothing to the other."""
    role = settings.api_administrator_role
    if settings.api_authentication is Authentication.APPSERVICE:
        if not settings.behind_app_service_authentication:
            return Unconfigured("API_AUTHENTICATION is appservice, but the platform's is off.")
        return PrincipalCallers(settings.tenant, role)
    if settings.api_audience is None:
        return Unconfigured("API_AUDIENCE is not set.")
    url = f"{settings.login_endpoint}/{settings.tenant}/discovery/v2.0/keys"
    expected = expected_of(settings.tenant, settings.login_endpoint, settings.api_audience, role)
    return TokenCallers(SigningKeys(PublishedKeys(url), now), expected)
