"""What the shop leaves to the workers' sweep, every few seconds; it registers itself."""

from agency import jobs
from storefront import cart, checkout, purchases, refunds
from storefront.payments import inbox

jobs.SWEEPS += [inbox.sweep, checkout.expire, refunds.sweep, cart.forget, purchases.answer_requests]
