"""Write the dashboards of Grafana: `make dashboards`. A test compares the files with the tables below."""

import json
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parent / "dashboards"
_WIDTH, _HEIGHT, _COLUMNS = 12, 8, 2
_REQUESTS: Final = "grome_http_requests_total"
# Without probes: a process that stops answers 503 to them.
_ANSWERED: Final = 'grome_http_requests_total{route!="/health/ready"%s}'
_SERVER_ERROR: Final = ',status=~"5.."'
_SECONDS: Final = "grome_http_request_duration_seconds_bucket"
_NEARBY: Final = 'route="/v1/barbers/nearby"'
_PER_S: Final = "reqps"

# Panel: title, unit of Grafana, and a legend with an expression for each line.
Panel = tuple[str, str, dict[str, str]]


def quantile(share: float, metric: str, by: str = "") -> str:
    return f"histogram_quantile({share}, {rate(metric, f'le, {by}' if by else 'le')})"


def rate(metric: str, by: str = "") -> str:
    """Return the rate of a counter of a machine, summed over machines."""
    return f"sum{f' by ({by})' if by else ''} (rate({metric}[$__rate_interval]))"


def shared_rate(metric: str, by: str) -> str:
    """Return the rate of a counter that every machine shows alike."""
    return f"max by ({by}) (rate({metric}[$__rate_interval]))"


def shared_sum(metric: str, by: str) -> str:
    """Return the rate of such a counter, added up over its other labels."""
    return f"max by ({by}) (sum by ({by}, instance) (rate({metric}[$__rate_interval])))"


DASHBOARDS: Final[dict[str, tuple[str, list[Panel]]]] = {
    "overview": (
        "Grome: overview",
        [
            ("Requests", _PER_S, {"{{status}}": rate(_REQUESTS, "status")}),
            (
                "Share of server errors",
                "percentunit",
                {"5xx": f"({rate(_ANSWERED % _SERVER_ERROR)} or vector(0)) / {rate(_ANSWERED % '')}"},
            ),
            (
                "Time to the response",
                "s",
                {"p50": quantile(0.5, _SECONDS), "p95": quantile(0.95, _SECONDS), "p99": quantile(0.99, _SECONDS)},
            ),
            ("Slowest routes, p95", "s", {"{{route}}": f"topk(8, {quantile(0.95, _SECONDS, 'route')})"}),
            ("Refusals", _PER_S, {"{{code}}": f"topk(10, {rate('grome_http_refusals_total', 'code')})"}),
            ("Requests beyond a rate limit", _PER_S, {"{{limit}}": rate("grome_rate_limited_total", "limit")}),
            (
                "Delay of event loops, p99",
                "s",
                {"{{worker}}": quantile(0.99, "grome_event_loop_lag_seconds_bucket", "worker")},
            ),
            ("Memory of processes", "bytes", {"{{instance}} {{worker}}": "grome_process_resident_bytes"}),
            (
                "Connections of pools",
                "short",
                {
                    "{{pool}} in use": "sum by (pool) (grome_pool_connections)",
                    "{{pool}} waiting": "sum by (pool) (grome_pool_waiting)",
                },
            ),
            (
                "Time until a connection, p99",
                "s",
                {"{{pool}}": quantile(0.99, "grome_pool_checkout_seconds_bucket", "pool")},
            ),
            ("Callers without a connection", _PER_S, {"{{pool}}": rate("grome_pool_failures_total", "pool")}),
            (
                "Versions and age of processes",
                "short",
                {
                    "version {{version}}": "count by (version) (grome_build_info)",
                    "{{worker}} hours": "(time() - grome_process_start_time_seconds) / 3600",
                },
            ),
        ],
    ),
    "bookings-and-money": (
        "Grome: bookings and money",
        [
            ("Changes of bookings", "ops", {"{{action}} → {{state}}": rate("grome_bookings_total", "action, state")}),
            ("Conflicts about times", "ops", {"slot_taken": rate('grome_http_refusals_total{code="slot_taken"}')}),
            (
                "Changes of payments",
                "ops",
                {"{{change}} {{currency}}": shared_rate("grome_payment_changes_total", "change, currency")},
            ),
            (
                "Money a day, minor units",
                "short",
                {"{{change}} {{currency}}": "max by (change, currency) (increase(grome_payment_amount_total[1d]))"},
            ),
            (
                "Calls to Stripe",
                "ops",
                {"{{call}} {{outcome}}": shared_rate("grome_stripe_calls_total", "call, outcome")},
            ),
            (
                "Mean time of a call to Stripe",
                "s",
                {
                    "{{call}}": f"{shared_rate('grome_stripe_call_seconds_total', 'call')} / "
                    + shared_sum("grome_stripe_calls_total", "call")
                },
            ),
            ("Events of Stripe", "ops", {"{{outcome}}": shared_rate("grome_stripe_events_total", "outcome")}),
            ("Open findings", "short", {"{{kind}}": "max by (kind) (grome_reconciliation_findings)"}),
            (
                "Age of reconciliation",
                "s",
                {
                    "{{loop}}": "max by (loop) (grome_reconciliation_lag_seconds)",
                    "oldest finding": "max(grome_reconciliation_oldest_finding_seconds)",
                },
            ),
        ],
    ),
    "live": (
        "Grome: live connections",
        [
            ("Open connections", "short", {"connections": "max(grome_live_connections)"}),
            (
                "Opened and closed",
                "ops",
                {
                    "opened {{kind}}": shared_rate("grome_live_opened_total", "kind"),
                    "closed {{reason}}": shared_rate("grome_live_closed_total", "reason"),
                },
            ),
            (
                "Frames and events",
                "ops",
                {
                    "frames": "max(rate(grome_live_frames_total[$__rate_interval]))",
                    "events": "max(rate(grome_live_fan_outs_total[$__rate_interval]))",
                },
            ),
            ("Bytes", "Bps", {"bytes": "max(rate(grome_live_bytes_total[$__rate_interval]))"}),
            (
                "Resumes and resets",
                "ops",
                {
                    "resumed {{outcome}}": shared_rate("grome_live_resumes_total", "outcome"),
                    "resets": "max(rate(grome_live_resets_total[$__rate_interval]))",
                },
            ),
            ("Age of the newest delivered moment", "s", {"age": "max(grome_live_position_age_seconds)"}),
            (
                "Mean time from the bus to subscribers",
                "s",
                {
                    "lag": "max(rate(grome_live_bus_lag_seconds_total[$__rate_interval])) / "
                    "max(rate(grome_live_bus_entries_total[$__rate_interval]))"
                },
            ),
        ],
    ),
    "jobs": (
        "Grome: jobs and events",
        [
            ("Jobs by state", "short", {"{{state}}": "max by (state) (grome_jobs)"}),
            ("Age of the most overdue job", "s", {"overdue": "max(grome_jobs_overdue_seconds)"}),
            ("Waiting messages", "short", {"{{queue}}": "max by (queue) (grome_queue_waiting)"}),
            (
                "Tries by outcome",
                "ops",
                {"{{outcome}}": shared_sum("grome_job_tries_total", "outcome")},
            ),
            (
                "Tries by kind",
                "ops",
                {"{{kind}}": shared_sum("grome_job_tries_total", "kind")},
            ),
            ("Seconds of work a second", "short", {"{{kind}}": shared_rate("grome_job_seconds_total", "kind")}),
            (
                "Relay",
                "s",
                {
                    "lag": "max(grome_relay_lag_seconds)",
                    "silent": "max(grome_relay_silent_seconds)",
                    "last change": "time() - max(grome_relay_position_timestamp_seconds)",
                },
            ),
            ("Events of the relay", "ops", {"events": "max(rate(grome_relay_events_total[$__rate_interval]))"}),
            ("Failed items", "short", {"{{loop}}": "max by (loop) (increase(grome_failed_items_total[1h]))"}),
            ("Parts that cannot be measured", "short", {"{{part}}": "1 - min by (part) (grome_metrics_up)"}),
        ],
    ),
    "nearby": (
        "Grome: search nearby",
        [
            ("Searches", _PER_S, {"{{status}}": rate(f"{_REQUESTS}{{{_NEARBY}}}", "status")}),
            (
                "Time to the response",
                "s",
                {name: quantile(share, f"{_SECONDS}{{{_NEARBY}}}") for name, share in (("p50", 0.5), ("p99", 0.99))},
            ),
            ("Searches without a tile", _PER_S, {"{{source}}": rate("grome_nearby_misses_total", "source")}),
            (
                "Share answered by tiles",
                "percentunit",
                {
                    "tiles": f"1 - {rate('grome_nearby_misses_total')} / "
                    + rate(f'{_REQUESTS}{{{_NEARBY}, status="200"}}')
                },
            ),
            ("Memory of the map", "bytes", {"{{what}}": "sum by (what) (grome_nearby_memory_bytes)"}),
            ("Cached cells and tiles", "short", {"{{what}}": "sum by (what) (grome_nearby_entries)"}),
            ("Evicted for lack of memory", "ops", {"{{what}}": rate("grome_nearby_evicted_total", "what")}),
        ],
    ),
}


def build(name: str) -> dict[str, Any]:
    """Return a dashboard in Grafana's format."""
    title, panels = DASHBOARDS[name]
    return {
        "uid": f"grome-{name}",
        "title": title,
        "tags": ["grome"],
        "timezone": "browser",
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [{"name": "source", "type": "datasource", "query": "prometheus", "label": "Prometheus"}]
        },
        "panels": [_panel(number, *panel) for number, panel in enumerate(panels)],
    }


def _panel(number: int, title: str, unit: str, lines: dict[str, str]) -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "${source}"}
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": title,
        "datasource": source,
        "gridPos": {
            "x": number % _COLUMNS * _WIDTH,
            "y": number // _COLUMNS * _HEIGHT,
            "w": _WIDTH,
            "h": _HEIGHT,
        },
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + index), "datasource": source, "expr": expr, "legendFormat": legend}
            for index, (legend, expr) in enumerate(lines.items())
        ],
    }


def text_of(name: str) -> str:
    """Return the file of a dashboard."""
    return json.dumps(build(name), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for each in DASHBOARDS:
        (FOLDER / f"{each}.json").write_text(text_of(each))
