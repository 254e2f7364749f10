"""The edge to fal: what its two endpoints take, and a client for its queue. Knows neither models nor RQ."""
