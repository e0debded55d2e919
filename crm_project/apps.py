from django.apps import AppConfig


class CompositionConfig(AppConfig):
    name = "crm_project"
    verbose_name = "Parley"

    def ready(self) -> None:
        from activity import installation
        from activity.actor import Actor, acting_as, current_actor
        from core import clock, health, jobs
        from crm_project import queues, watch

        jobs.carry(
            "actor",
            pack=lambda: current_actor().as_headers(),
            unpack=lambda headers: acting_as(Actor.from_headers(headers)),
        )
        health.register("clock", clock.is_right)
        health.register("restored copy", installation.reason, is_advisory=True)
        health.register("beat", watch.beat_ticks)
        health.register("worker", watch.worker_works)
        queues.register()
