"""System checks for settings on which correctness rests."""

from importlib.util import find_spec
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import Error, Tags, Warning, register
from django.http.request import split_domain_port, validate_host


@register(Tags.compatibility)
def job_lock_outlasts_a_job(app_configs, **kwargs):
    """A message that is handed out again while its job still runs would be a bell in the middle of the night."""
    cluster = settings.Q_CLUSTER
    if cluster["retry"] > cluster["timeout"]:
        return []
    return [
        Error(
            "Q_CLUSTER['retry'] must be larger than Q_CLUSTER['timeout'].",
            hint="Otherwise django-q2 hands a message out again while its job runs.",
            id="agency.E001",
        )
    ]


@register(Tags.compatibility)
def extras_are_installed(app_configs, **kwargs):
    """What the environment asks for must be there."""
    wanted = [
        ("AI_BASE_URL", settings.AI_BASE_URL, "openai"),
        ("REDIS_URL", settings.REDIS_URL, "redis"),
        ("STRIPE_SECRET_KEY", settings.STRIPE_SECRET_KEY, "stripe"),
    ]
    return [
        Error(
            f"{variable} is set, but the package {package} is not installed.",
            hint="make extras",
            id="agency.E002",
        )
        for variable, value, package in wanted
        if value and find_spec(package) is None
    ]


@register(Tags.compatibility)
def model_is_named(app_configs, **kwargs):
    """A language model server without a model's name answers nothing."""
    if not settings.AI_BASE_URL or settings.AI_MODEL:
        return []
    return [Error("AI_BASE_URL is set, but AI_MODEL is not.", hint="AI_MODEL=llama3.2", id="agency.E003")]


@register(Tags.security, deploy=True)
def proxies_are_counted(app_configs, **kwargs):
    """With TLS somebody stands in front of us. Uncounted, all visitors have its address: who tries ten passwords
    locks the owner out of the admin, and all share one visitor's rates."""
    if not settings.PUBLIC_URL.startswith("https://") or settings.PROXIES:
        return []
    return [
        Warning(
            "PUBLIC_URL is https, but PROXIES is 0: all visitors count as one.",
            hint="PROXIES=1, where one proxy with TLS stands in front and sets X-Forwarded-For.",
            id="agency.W001",
        )
    ]


@register(Tags.compatibility)
def redis_is_named(app_configs, **kwargs):
    """Bells in Redis need a Redis."""
    if settings.Q_BROKER != "redis" or settings.REDIS_URL:
        return []
    return [
        Error(
            "Q_BROKER is redis, but REDIS_URL is not set.",
            hint="REDIS_URL=redis://127.0.0.1:6379/0",
            id="agency.E004",
        )
    ]


@register(Tags.compatibility)
def public_url_is_allowed(app_configs, **kwargs):
    """A shop whose own address is refused answers 400 to everybody who follows a link of its own."""
    host, _ = split_domain_port(urlsplit(settings.PUBLIC_URL).netloc)
    # Without any, Django allows this machine's names while DEBUG is true.
    if not settings.ALLOWED_HOSTS or validate_host(host, settings.ALLOWED_HOSTS):
        return []
    return [
        Warning(
            f"PUBLIC_URL is {settings.PUBLIC_URL}, but ALLOWED_HOSTS does not name its host.",
            hint=f"ALLOWED_HOSTS={host}",
            id="agency.W005",
        )
    ]
