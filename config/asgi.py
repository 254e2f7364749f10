"""The ASGI application that `python -m config.web` serves."""

from config.server.gateway import Gateway
from config.wsgi import application as pages

# isort: split

from api.fal.polls import answer_poll

application = Gateway(pages, answer_poll)
