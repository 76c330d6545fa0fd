"""What the shop leaves to the workers' sweep, every few seconds; it registers itself."""

from agency import jobs
from storefront import cart, checkout, purchases, refunds

jobs.SWEEPS += [checkout.expire, refunds.sweep, cart.forget, purchases.answer_requests]
