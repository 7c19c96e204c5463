"""Tables of allowed imports. `checks/imports.py` applies them, and docs/architecture.md explains them."""

from typing import Final

from checks.rules import Rule, Tiers

TIERS: Final = Tiers(
    foundation=(
        ("config", "grome"),
        ("common", "dev.embedded"),
        ("infrastructure",),
        ("infrastructure.jobs",),
        ("infrastructure.outbox",),
        ("infrastructure.ops",),
        ("scheduling",),
    ),
    features=(
        ("accounts",),
        ("catalogue",),
        ("barbers",),
        ("favourites",),
        ("promos",),
        ("bookings",),
        ("availability",),
        ("nearby", "waitlist", "walk_ins", "reviews"),
        ("audit", "realtime", "webhooks"),
        ("notifications",),
        ("any_barber", "calendar_feeds", "quotes", "reports", "series"),
        ("app_links", "console", "dev.mailbox"),
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
        "accounts": frozenset({"preferences", "verifier"}),
        "barbers": frozenset({"calendar_builder", "change_feed"}),
        "bookings": frozenset(
            {
                "cancellation_policy",
                "create",
                "drafts",
                "figures",
                "lifecycle",
                "reschedule",
                "updates",
                "walk_in_start",
                "windows",
            }
        ),
        "notifications": frozenset({"email.folder", "localizer"}),
        "promos": frozenset({"redemptions"}),
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
    Rule("workers build on grome; only what starts processes knows them", ("grome*", "config*"), ("workers*",),
         but=("grome.cli.main", "grome.cli.serving")),
    Rule("settings know nothing of what they set", ("config*",), ("grome*", "workers*")),
    Rule("what features share knows no feature", ("grome.common*",), _OURS, save=("config*", *_SHARED)),
    Rule("the embedded servers stand alone", ("grome.dev.embedded*",), _OURS, save=("grome.dev.embedded*",)),
    Rule("errors know what features share", ("grome.*.errors",), _OURS, save=_SHARED),
    Rule("models know models", ("grome.*.models",), _OURS, save=("grome.*.models", *_FREE_TIME, *_SHARED)),
    Rule("pure rules know models",
         (*_FREE_TIME, "grome.bookings.cancellation_policy", "grome.bookings.figures", "grome.bookings.windows",
          "grome.notifications.channel_rules", "grome.promos.rules"), _OURS,
         save=("grome.*.models", "grome.*.errors", "grome.bookings.cancellation_policy", *_FREE_TIME, *_SHARED)),
    Rule("schemas know models", ("grome.*.schemas",), _OURS,
         save=("grome.*.models", "grome.*.schemas", "grome.accounts.tokens", *_FREE_TIME, *_SHARED)),
    Rule("a repository knows its own models and errors", ("grome.*.repository",), _OURS,
         save=("{own}.models", "{own}.errors", *_SHARED)),
    Rule("a repository is its own feature's alone", _OURS, ("grome.*.repository",), save=("{own}.repository",),
         but=("grome.composition*", "grome.migrations.*", "grome.dev.demo.*")),
    Rule("routes and jobs go through services", ("grome.*.routes", "grome.*.jobs"), ("grome.*.repository",)),
    Rule("nobody but the application knows routes", _OURS, ("grome.*.routes",), but=("grome.app",)),
    Rule("nobody but the workers knows jobs", _OURS, ("grome.*.jobs",), but=("workers.registry",)),
    Rule("services are given what they need, and look nothing up in the container", _OURS,
         ("grome.infrastructure.container", "grome.infrastructure.http.injection"),
         but=("grome.composition*", "grome.infrastructure.http*", "grome.*.jobs", "grome.infrastructure.jobs.runner",
              "grome.infrastructure.ops.*", "grome.console.sign_in", "grome.dev.demo.seed", "grome.cli.bootstrap",
              "workers.runner")),
    Rule("processes and commands open the container", _OURS, ("grome.composition*",),
         but=("grome.composition*", "grome.app", "grome.cli.bootstrap", "grome.cli.doctor", "workers.runner")),
    Rule("barbers around a point are found through NearbyIndex", _OURS, ("grome.nearby.h3_cells", *_NEARBY_STRATEGIES),
         but=("grome.nearby.index", "grome.composition*", *_NEARBY_STRATEGIES)),
    Rule("demo data stays out of the product", _OURS, ("grome.dev.demo*",), but=("grome.cli.main", "grome.dev.demo*")),
    Rule("routes, and what serves them, know Sanic", _OURS, ("sanic*",),
         but=("grome.*.routes", "grome.infrastructure.http*", "grome.app", "grome.cli.serving")),
    Rule("repositories know the driver", _OURS, ("pymongo*", "bson*"),
         but=("grome.*.repository", "grome.infrastructure.mongo*", "grome.dev.embedded.mongod", "grome.cli.main")),
    Rule("settings come from the one typed tree", _OURS, ("os.environ", "os.getenv"),
         but=("grome.cli.main", "grome.cli.bootstrap", "grome.cli.run", "grome.cli.doctor", "grome.dev.embedded.*")),
)  # fmt: skip
