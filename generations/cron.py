"""What `manage.py rqcron generations.cron` runs: the sweep that finds every row that is due, whatever was lost.

A sweep that no worker took within half a minute is dropped, so that none pile up while the workers are away.
"""

from rq.cron import register

from generations import tasks

register(tasks.drive, queue_name="default", interval=1, ttl=30, result_ttl=0, job_timeout=-1)
