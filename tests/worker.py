"""The shop's worker for a moment: everything that waits gets done, here and now."""

from django_tasks_db.management.commands.db_worker import Worker


def work() -> None:
    """What `manage.py db_worker --batch` does, without its handling of signals, which are pytest's here."""
    Worker(
        queue_names=["*"],
        interval=0,
        batch=True,
        backend_name="default",
        startup_delay=False,
        max_tasks=None,
        worker_id="test",
        excluded_queue_names=[],
    ).run()
