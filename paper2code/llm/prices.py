"""What calls cost: a price set by the person, else the price table, else "unknown".

Unknown is a legal answer (None) everywhere; it is never taken for zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from paper2code.llm._connect import is_local
from paper2code.llm._values import Usage


@dataclass(frozen=True)
class Price:
    """Dollars per million tokens; `cached` defaults to the input price."""

    input: float
    output: float
    cached: float | None = None

    def __post_init__(self) -> None:
        for name in ("input", "output", "cached"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < 1e6:
                raise ValueError(f"price {name}={value!r}; give dollars per million tokens")

    def of(self, usage: Usage) -> float:
        """Return the dollars of a usage."""
        cached = min(usage.cached, usage.prompt)
        rate = self.input if self.cached is None else self.cached
        whole = (usage.prompt - cached) * self.input + cached * rate
        return (whole + usage.completion * self.output) / 1e6


def dollars(
    usage: Usage, model: str, *, base_url: str | None = None, price: Price | None = None
) -> float | None:
    """Return what a usage costs, or None when nobody knows the price."""
    if price is not None:
        return price.of(usage)
    found = _lookup(model, base_url or "")
    if found is None:
        return None
    provider, name, api = found
    import genai_prices

    tokens = genai_prices.Usage(
        input_tokens=usage.prompt,
        cache_read_tokens=min(usage.cached, usage.prompt),
        output_tokens=usage.completion,
    )
    try:
        calculate: Any = genai_prices.calc_price
        total: Decimal = calculate(
            tokens, name, provider_id=provider, provider_api_url=api
        ).total_price
    except (LookupError, ValueError, TypeError, AttributeError):
        return None
    return float(total)


def known(model: str, *, base_url: str | None = None, price: Price | None = None) -> bool:
    """Whether calls of this model can be priced."""
    return dollars(Usage(1000, 0, 1000), model, base_url=base_url, price=price) is not None


@lru_cache(maxsize=64)
def _lookup(model: str, base_url: str) -> tuple[str | None, str, str | None] | None:
    """Return the arguments under which the price table knows a model.

    A model served on this machine bears a cloud model's name without its price, so local
    endpoints are unknown unless the person sets a price.
    """
    if not model or (base_url and is_local(base_url)):
        return None
    try:
        import genai_prices
    except ImportError:
        return None
    tries: list[tuple[str | None, str, str | None]] = []
    if base_url:
        tries.append((None, model, base_url))
    tries.append((None, model, None))
    if "/" in model:
        tries += [("openrouter", model, None), (None, model.split("/", 1)[1], None)]
    calculate: Any = genai_prices.calc_price
    probe: Any = genai_prices.Usage(input_tokens=1, output_tokens=1)
    for provider, name, api in tries:
        try:
            calculate(probe, name, provider_id=provider, provider_api_url=api)
        except (LookupError, ValueError, TypeError, AttributeError):
            continue
        return provider, name, api
    return None
