from django.apps import AppConfig


class CompositionConfig(AppConfig):
    name = "crm_project"
    verbose_name = "Parley"

    def ready(self) -> None:
        from activity import installation
        from core import clock, health
        from crm_project import queues, watch
        from crm_project.backups import daily
        from crm_project.doctor import machinery, outside, schedule, waiting

        health.register("clock", clock.is_right)
        health.register("restored copy", installation.reason, is_advisory=True)
        health.register("beat", watch.beat_ticks)
        health.register("worker", watch.worker_works)
        queues.register()
        machinery.register_all()
        waiting.register_all()
        outside.register_all()
        schedule.register_all()
        daily.register_all()
