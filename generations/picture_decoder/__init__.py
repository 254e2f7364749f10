"""Turn any picture that a browser shows into what fal gets: upright 8-bit sRGB without transparency or metadata.

It runs as a program of its own with little memory and time, since a file of 38 bytes can ask for gigabytes. `process`
starts it; `containers` takes files apart, `decode` makes the picture. Knows neither Django nor models.
"""
