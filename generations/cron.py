"""The schedule for `manage.py rqcron generations.cron`: sweeps that find every row that is due, whatever was lost.

A sweep that no worker takes in time is dropped, so that none pile up while the workers are away.
At METRICS_PORT it tells what the database says as well: there is one cron process, however many workers run.
"""

from rq.cron import register

from config import metrics_server
from generations import metrics, tasks

register(tasks.drive, queue_name="default", interval=1, ttl=30, result_ttl=0, job_timeout=-1)
register(tasks.frequent, queue_name="default", interval=2, ttl=30, result_ttl=0, job_timeout=-1)
register(tasks.send_emails, queue_name="default", interval=5, ttl=30, result_ttl=0, job_timeout=-1)
register(tasks.check_budgets, queue_name="default", interval=60, ttl=60, result_ttl=0, job_timeout=-1)
register(tasks.clean, queue_name="default", interval=30, ttl=30, result_ttl=0, job_timeout=-1)
register(tasks.sweep, queue_name="default", interval=3600, ttl=3600, result_ttl=0, job_timeout=-1)
register(tasks.reconcile, queue_name="default", interval=6 * 3600, ttl=3600, result_ttl=0, job_timeout=-1)
register(tasks.audit_moderation, queue_name="default", interval=24 * 3600, ttl=3600, result_ttl=0, job_timeout=-1)

metrics_server.start(metrics.render)
