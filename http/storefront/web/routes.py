"""Which address of the pages is answered by which handler; the table in `context` says the same with templates."""

from aiohttp import web
from aiohttp.typedefs import Handler

from storefront.web import (
    account,
    admin,
    checkout,
    docs,
    goods,
    home,
    orders,
    payouts,
    products,
    show,
    sold,
    studio,
    wallet,
)

PAGES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/", home.home),
    ("GET", "/shows/{id}", show.show_page),
    ("GET", "/shows/{id}/host", show.host_page),
    ("POST", "/shows/{id}/remind", home.remind),
    ("GET", "/products/{id}", products.product_page),
    ("GET", "/sign-in", account.sign_in_page),
    ("POST", "/sign-in", account.sign_in),
    ("GET", "/register", account.register_page),
    ("POST", "/register", account.register),
    ("POST", "/sign-out", account.sign_out),
    ("GET", "/me", account.me),
    ("GET", "/studio", studio.studio),
    ("POST", "/studio/shows", studio.create_show),
    ("GET", "/studio/shows/{id}", studio.studio_show),
    ("POST", "/studio/shows/{id}", studio.edit_show),
    ("POST", "/studio/shows/{id}/lots", studio.add_lot),
    ("POST", "/studio/shows/{id}/lots/order", studio.order_lots),
    ("POST", "/studio/lots/{id}", studio.edit_lot),
    ("POST", "/studio/lots/{id}/delete", studio.delete_lot),
    ("POST", "/studio/products", studio.create_product),
    ("GET", "/studio/products", goods.goods),
    ("GET", "/studio/products/new", goods.new_good),
    ("POST", "/studio/products/new", goods.create_good),
    ("GET", "/studio/products/{id}", goods.good),
    ("POST", "/studio/products/{id}", goods.edit_good),
    ("POST", "/studio/products/{id}/archive", goods.archive_good),
    ("GET", "/checkout", checkout.review),
    ("POST", "/checkout", checkout.order),
    ("GET", "/checkout/{order}", checkout.pay_page),
    ("POST", "/checkout/{order}/address", checkout.set_address),
    ("POST", "/checkout/{order}/pay", checkout.pay),
    ("POST", "/checkout/{order}/answer", checkout.answer),
    ("GET", "/me/cards", wallet.saved_cards),
    ("POST", "/me/cards", wallet.save),
    ("POST", "/me/cards/remove", wallet.remove),
    ("GET", "/orders", orders.orders),
    ("GET", "/orders/{id}", orders.order),
    ("POST", "/orders/{id}/cancel", orders.cancel),
    ("GET", "/orders/{id}/receipt.pdf", orders.receipt_pdf),
    ("GET", "/orders/{id}/invoice.pdf", orders.invoice_pdf),
    ("GET", "/studio/orders", sold.sold),
    ("GET", "/studio/orders/mark", sold.mark),
    ("GET", "/studio/orders/{id}", sold.sold_order),
    ("POST", "/studio/orders/{id}/ship", sold.ship),
    ("POST", "/studio/orders/{id}/deliver", sold.deliver),
    ("POST", "/studio/orders/{id}/cancel", sold.cancel),
    ("POST", "/studio/orders/{id}/refund", sold.refund),
    ("POST", "/studio/orders/{id}/invoice", sold.issue_invoice),
    ("GET", "/studio/orders/{id}/invoice.pdf", sold.invoice_pdf),
    ("GET", "/studio/invoices", sold.issuer),
    ("POST", "/studio/invoices", sold.put_issuer),
    ("GET", "/studio/money", payouts.money),
    ("POST", "/studio/money/account", payouts.open_account),
    ("GET", "/studio/money/onboarding", payouts.onboarding),
    ("GET", "/studio/money/back", payouts.back),
    ("POST", "/studio/money/payouts", payouts.ask_payout),
    ("POST", "/studio/money/payouts/{id}/cancel", payouts.cancel_payout),
    ("GET", "/admin/money", payouts.admin_money),
    ("POST", "/admin/money/rates", payouts.set_rate),
    ("POST", "/admin/money/compare", payouts.compare),
    ("GET", "/docs", docs.docs_page),
    ("GET", "/admin/live", admin.live),
)
"""Method, address and handler of every page."""


def add_pages(app: web.Application) -> None:
    """Adds the pages' routes."""
    for method, path, handler in PAGES:
        app.router.add_route(method, path, handler)
        if method == "GET":
            app.router.add_route("HEAD", path, handler)
