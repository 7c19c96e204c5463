"""Tables of allowed imports. `checks/imports.py` applies them, and docs/architecture.md explains them."""

from typing import Final

from checks.rules import Rule, Tiers

TIERS: Final = Tiers(
    foundation=(
        ("config", "grome"),
        ("common", "dev.embedded", "dev.local_stripe", "live_client"),
        ("infrastructure",),
        ("infrastructure.jobs",),
        ("infrastructure.outbox",),
        ("infrastructure.ops",),
        ("scheduling",),
    ),
    features=(
        ("uploads",),
        ("codes",),
        ("accounts",),
        ("factors",),
        ("catalogue",),
        ("barbers",),
        ("photos", "verification"),
        ("favourites",),
        ("promos",),
        ("bookings",),
        ("availability", "people"),
        ("ledger",),
        ("nearby", "waitlist", "walk_ins", "reviews", "payments", "chat", "tracking"),
        ("payouts", "adjustments"),
        ("reconciliation",),
        ("audit", "realtime", "webhooks"),
        ("notifications",),
        ("any_barber", "calendar_feeds", "quotes", "receipts", "reports", "series"),
        ("privacy",),
        (
            "account_page",
            "api_docs",
            "app_links",
            "console",
            "dev.demo_accounts",
            "dev.live_demo",
            "dev.mailbox",
            "dev.pay_demo",
        ),
    ),
    entrances=(
        ("composition", "migrations"),
        ("app", "dev", "dev.demo"),
        ("workers",),
        ("cli",),
        ("__main__",),
    ),
    doors=frozenset({"service", "queries", "models", "errors", "events", "schemas"}),
    doors_of={
        "accounts": frozenset(
            {"administration", "deletions", "own_password", "preferences", "sessions", "sign_in", "verifier"}
        ),
        "barbers": frozenset({"calendar_builder", "change_feed"}),
        "bookings": frozenset(
            {
                "cancellation_policy",
                "create",
                "drafts",
                "figures",
                "lifecycle",
                "on_the_way",
                "payment_projection",
                "reschedule",
                "running_late",
                "tips_and_notes",
                "updates",
                "walk_in_start",
                "windows",
            }
        ),
        "factors": frozenset({"second_step"}),
        "ledger": frozenset({"movements", "payables", "postings", "rules", "statements"}),
        "notifications": frozenset({"email.folder", "localizer"}),
        "nearby": frozenset({"areas"}),
        "payments": frozenset({"inbox.models", "inbox.service"}),
        "promos": frozenset({"redemptions"}),
        "webhooks": frozenset({"payloads"}),
    },
)

_OURS: Final = ("grome*", "workers*", "config*")
_SHARED: Final = ("grome.common*", "grome.infrastructure*")
# The one decision about free time, and what it is made of.
_FREE_TIME: Final = ("grome.scheduling*",)
# The strategies of the search around a point, behind `NearbyIndex`.
_NEARBY_STRATEGIES: Final = tuple(
    f"grome.nearby.{name}"
    for name in (
        "barber_array",
        "cell_cache",
        "cell_loader",
        "database_search",
        "memory_search",
        "page_json",
        "recent_changes",
        "tile_cache",
    )
)
RULES: Final = (
    Rule("only the commands that start processes import workers", ("grome*", "config*"), ("workers*",),
         but=("grome.cli.commands.serve", "grome.cli.serving")),
    Rule("embedded servers import nothing else of ours", ("grome.dev.embedded*",), _OURS,
         save=("grome.dev.embedded*",)),
    Rule("errors import common and infrastructure", ("grome.*.errors",), _OURS, save=_SHARED),
    Rule("models import models", ("grome.*.models",), _OURS, save=("grome.*.models", *_FREE_TIME, *_SHARED)),
    Rule("pure rules import models",
         (*_FREE_TIME, "grome.bookings.cancellation_policy", "grome.bookings.figures", "grome.bookings.windows",
          "grome.chat.rules", "grome.ledger.rules", "grome.notifications.channel_rules", "grome.promos.rules"), _OURS,
         save=("grome.*.models", "grome.*.errors", "grome.bookings.cancellation_policy", *_FREE_TIME, *_SHARED)),
    Rule("schemas import models", ("grome.*.schemas",), _OURS,
         save=("grome.*.models", "grome.*.schemas", "grome.accounts.tokens", *_FREE_TIME, *_SHARED)),
    Rule("a repository imports the models and errors of its feature", ("grome.*.repository",), _OURS,
         save=("{own}.models", "{own}.errors", *_SHARED)),
    Rule("a repository is imported by its feature only", _OURS, ("grome.*.repository",),
         save=("{own}.repository",), but=("grome.composition*", "grome.migrations.*", "grome.dev.demo.*")),
    Rule("routes and jobs import services, not repositories", ("grome.*.routes", "grome.*.jobs"),
         ("grome.*.repository",)),
    Rule("only the application imports routes", _OURS, ("grome.*.routes",), but=("grome.app",)),
    Rule("only the workers import jobs", _OURS, ("grome.*.jobs",), but=("workers.registry",)),
    Rule("services get their dependencies as arguments, not from the container", _OURS,
         ("grome.infrastructure.container", "grome.infrastructure.http.injection"),
         but=("grome.composition*", "grome.infrastructure.http*", "grome.*.jobs", "grome.infrastructure.jobs.runner",
              "grome.infrastructure.ops.*", "grome.console.sign_in", "grome.dev.demo.seed", "grome.cli.bootstrap",
              "grome.cli.findings", "grome.cli.preparation", "grome.app", "workers.listener", "workers.runner")),
    Rule("processes and commands open the container", _OURS, ("grome.composition*",),
         but=("grome.composition*", "grome.app", "grome.cli.bootstrap", "workers.runner")),
    Rule("barbers around a point are found through NearbyIndex", _OURS, ("grome.nearby.h3_cells", *_NEARBY_STRATEGIES),
         but=("grome.nearby.areas", "grome.nearby.index", "grome.composition*", *_NEARBY_STRATEGIES)),
    Rule("only commands import demo data", _OURS, ("grome.dev.demo.*",),
         but=("grome.cli.commands.demo", "grome.cli.preparation", "grome.dev.demo.*")),
    Rule("only routes and the HTTP layer import Sanic", _OURS, ("sanic*",),
         but=("grome.*.routes", "grome.infrastructure.http*", "grome.infrastructure.websocket*", "grome.app",
              "grome.cli.rolling", "grome.cli.serving", "grome.dev.local_stripe.server")),
    Rule("only the stand-in and one package call Stripe's SDK", _OURS, ("stripe*",),
         but=("grome.infrastructure.stripe*", "grome.dev.local_stripe*")),
    Rule("the stand-in for Stripe imports nothing else of ours", ("grome.dev.local_stripe*",), _OURS,
         save=("grome.dev.local_stripe*",)),
    Rule("only repositories import the MongoDB driver", _OURS, ("pymongo*", "bson*"),
         but=("grome.*.repository", "grome.infrastructure.mongo*", "grome.infrastructure.backup.*",
              "grome.dev.embedded.mongod", "grome.cli.faults", "grome.cli.findings")),
    Rule("only commands read the environment", _OURS, ("os.environ", "os.getenv"),
         but=("grome.cli.bootstrap", "grome.cli.commands.*", "grome.cli.run", "grome.cli.running_api",
              "grome.dev.embedded.*")),
)  # fmt: skip
