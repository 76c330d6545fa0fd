"""Bare Django views: what a POST costs when nothing is asked, checked or answered."""

import json
from datetime import timedelta

from django.db import transaction
from django.http import JsonResponse
from django.urls import path
from django.utils import timezone

from agency.models import Event, Run, Task
from benchmarks.peers.sending import send


def send_run(request):
    """Hand one run to the peer that this server serves."""
    send(json.loads(request.body)["run"])
    return _accepted({})


def insert_run(request):
    """The rows of POST orchestrate/sales: a run, its task, and the event that says so."""
    asked = json.loads(request.body)
    with transaction.atomic():
        run = Run.objects.create(
            title="Bench Sales", deadline_at=timezone.now() + timedelta(minutes=15), event_count=1
        )
        Event.objects.create(
            run=run, number=1, kind="run.opened", message="Opened", data={"tasks": [asked["operation"]]}
        )
        Task.objects.create(run=run, pipeline="sales", workflow=asked["operation"], measures=["bench"])
    return _accepted({"id": run.pk, "status": run.status})


def _accepted(body):
    answer = JsonResponse(body, status=202)
    answer["Content-Length"] = len(answer.content)  # no middleware does
    return answer


urlpatterns = [path("send", send_run), path("insert", insert_run)]
