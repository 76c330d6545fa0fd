from agency.models.chimera import ChimeraTask
from agency.models.idempotency import RememberedAnswer
from agency.models.intents import CandidateState, Intent, Playbook, PlaybookStep
from agency.models.proposals import Promotion, Proposal
from agency.models.runs import Artifact, Attempt, Event, Heartbeat, Observation, Run, Task
from agency.models.service_orders import Delivery, Gig, Package, ServiceOrder, SuccessStory

__all__ = [
    "Artifact",
    "Attempt",
    "CandidateState",
    "ChimeraTask",
    "Delivery",
    "Event",
    "Gig",
    "Heartbeat",
    "Intent",
    "Observation",
    "Package",
    "Playbook",
    "PlaybookStep",
    "Promotion",
    "Proposal",
    "RememberedAnswer",
    "Run",
    "ServiceOrder",
    "SuccessStory",
    "Task",
]
