"""Where staff steer the agency. Pages and actions call verbs; they hold no rules."""

from agency.admin import (  # noqa: F401  they register their models
    artifacts,
    breakers,
    chimera,
    disputes,
    gigs,
    intents,
    mail,
    payouts,
    promotions,
    runs,
    schedules,
    service_orders,
    statements,
    tasks,
    tokens,
    webhooks,
)
