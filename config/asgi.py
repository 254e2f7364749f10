"""The ASGI application that `python -m config.web` serves."""

from config.server.gateway import Gateway
from config.wsgi import application as pages

application = Gateway(pages)
