from agency.models.artifacts import Artifact
from agency.models.chimera import ChimeraTask
from agency.models.events import Event
from agency.models.idempotency import RememberedAnswer
from agency.models.intents import CandidateState, Intent, Playbook, PlaybookStep
from agency.models.mail import Mail
from agency.models.proposals import Promotion, Proposal
from agency.models.runs import Attempt, Breaker, Heartbeat, Observation, Run, Task
from agency.models.schedules import Schedule
from agency.models.service_orders import Delivery, Gig, Package, ServiceOrder, SuccessStory
from agency.models.tokens import NarrowedUser, TokenScope
from agency.models.webhooks import WebhookDelivery, WebhookEndpoint

__all__ = [
    "Artifact",
    "Attempt",
    "Breaker",
    "CandidateState",
    "ChimeraTask",
    "Delivery",
    "Event",
    "Gig",
    "Heartbeat",
    "Intent",
    "Mail",
    "NarrowedUser",
    "Observation",
    "Package",
    "Playbook",
    "PlaybookStep",
    "Promotion",
    "Proposal",
    "RememberedAnswer",
    "Run",
    "Schedule",
    "ServiceOrder",
    "SuccessStory",
    "Task",
    "TokenScope",
    "WebhookDelivery",
    "WebhookEndpoint",
]
