"""What programs use instead of pages: keys, fal's own routes, the studio's API, webhooks out and MCP."""
