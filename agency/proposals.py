"""Edits that a workflow suggested: staff accept or reject them, one by one."""

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from agency.models import Gig, Package, Proposal
from earnings.refusals import Refusal

Status = Proposal.Status
# Nothing else of a row can be changed by accepting a proposal, whatever wrote it.
EDITABLE = {
    Gig: {"title", "summary", "description", "tags", "image_alt", "requirements"},
    Package: {"name", "description", "price_minor", "delivery_days", "revisions"},
}


def propose(task, finding):
    """Note an edit for staff to decide. An equal one that is open is kept; one that a newer review corrects ends.

    `finding` is a dict with `gig`, `package` (rows; package may be None), `code`, `field`, `old`, `new` and
    `reason`.
    """
    where = {name: finding[name] for name in ("gig", "package", "code", "field")}
    open_one = Proposal.objects.filter(**where, status=Status.OPEN).first()
    if open_one:
        if (open_one.old, open_one.new) == (finding["old"], finding["new"]):
            return open_one
        open_one.advance(Status.OUTDATED, decided_at=timezone.now())
    edit = {name: finding[name] for name in ("old", "new", "reason")}
    return Proposal.objects.create(task=task, **where, **edit)


def accept(proposal, by=None):
    """Write the proposed value, if the row still holds the old one. Twice is once.

    Otherwise the proposal ends as outdated, nothing is written, and Refusal (409) says so.
    """
    with transaction.atomic():
        done = _write(proposal, by)
    if not done:
        raise Refusal(
            f"{proposal.field} was changed since this was proposed; the next review looks at it again.",
            allowed=proposal.allowed,
        )
    return proposal


def _write(proposal, by):
    """True once the value is written; False if the row was changed meanwhile."""
    target = proposal.package or proposal.gig
    row = type(target).objects.select_for_update().get(pk=target.pk)
    proposal.refresh_from_db()  # of two who accept it at once, the second one waited for the row
    if proposal.status == Status.ACCEPTED:
        return True
    _refuse_bad_value(proposal, row)
    is_current = getattr(row, proposal.field) == proposal.old
    to = Status.ACCEPTED if is_current else Status.OUTDATED
    if not proposal.advance(to, decided_at=timezone.now(), decided_by=by):
        raise Refusal(f"This proposal is {proposal.get_status_display().lower()}.", allowed=proposal.allowed)
    if is_current:
        setattr(row, proposal.field, proposal.new)
        row.save(update_fields=[proposal.field, *(["updated_at"] if isinstance(row, Gig) else [])])
    return is_current


def _refuse_bad_value(proposal, row):
    if proposal.field not in EDITABLE[type(row)]:
        raise Refusal.of_field("/field", f"{proposal.field} is not changed by proposals.")
    try:
        type(row)._meta.get_field(proposal.field).clean(proposal.new, row)
    except ValidationError as error:
        raise Refusal.of_field("/new", " ".join(error.messages)) from None


def reject(proposal, by=None):
    """Staff keep what is there. Twice is once."""
    if not proposal.advance(Status.REJECTED, decided_at=timezone.now(), decided_by=by):
        if proposal.status == Status.REJECTED:
            return proposal
        raise Refusal(f"This proposal is {proposal.get_status_display().lower()}.", allowed=proposal.allowed)
    return proposal
