from django.apps import AppConfig


class CrashAppConfig(AppConfig):
    name = "tests.crash_app"
    label = "crash_app"

    def ready(self):
        from tests.crash_app import workload  # noqa: F401  it registers its workflows
