"""fal's own routes, spoken by the studio: what is sent, how it stands, what came of it, in fal's shapes and words."""
