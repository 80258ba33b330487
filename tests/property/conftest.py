"""Every law here is tried on as many examples as `support.examples` says."""

from hypothesis import settings

from support.examples import AT_LEAST

settings.register_profile("laws", max_examples=AT_LEAST, deadline=None)
settings.load_profile("laws")
