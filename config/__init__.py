"""What every process needs: settings, URLs, logging, and the gateway in front of Django."""
