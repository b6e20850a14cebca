"""The fixed values cannot be set, and the refusal says which and why."""

from __future__ import annotations

from dataclasses import asdict, fields

import pytest

from lyceum.contract import NAMES, ContractError, Fixed, UserError, refusal, refuse
from tests.support import toy_backend


@pytest.mark.parametrize("name", NAMES)
def test_every_fixed_value_is_refused_in_both_spellings(name):
    for spelling in (name, name.replace("_", "-")):
        with pytest.raises(ContractError) as caught:
            refuse(toy_backend.FIXED, {spelling: 999})
        message = str(caught.value)
        assert "contract" in message and name in message and "999" in message
        assert str(asdict(toy_backend.FIXED)[name]) in message


def test_a_refusal_is_a_value_error_with_the_status_of_wrong_usage():
    error = refusal(toy_backend.FIXED, "batch_size", 16)
    assert isinstance(error, ValueError) and isinstance(error, UserError) and error.exit_status == 2


def test_other_unknown_arguments_are_type_errors_and_none_is_fine():
    refuse(toy_backend.FIXED, {})
    with pytest.raises(TypeError, match="'sead'"):
        refuse(toy_backend.FIXED, {"sead": 1})


def test_the_values_have_no_defaults_that_could_hide_one_missing():
    with pytest.raises(TypeError, match=f"{len(fields(Fixed))} required"):
        Fixed()
