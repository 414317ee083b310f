"""Settings: which layer wins, where a value came from, and one clear line for each mistake."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import SecretStr

from hopcite.errors import SettingsError
from hopcite.settings import LLMSettings, QdrantSettings, RerankSettings, ServerSettings, Settings, TelemetrySettings
from hopcite.settings_layers import load_settings

TOML = """
collection = "papers"
[llm]
model = "from-toml"
retries = 1
[answer]
mode = "always"
"""


def write(folder: Path, text: str, name: str = "hopcite.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def problem(folder: Path, environ: Mapping[str, str] | None = None, flags: Mapping[str, object] | None = None) -> str:
    """The one line of the error."""
    with pytest.raises(SettingsError) as caught:
        load_settings(folder=folder, environ=environ or {}, flags=flags)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_without_any_layer_everything_is_the_default(tmp_path: Path) -> None:
    loaded = load_settings(folder=tmp_path, environ={})
    assert loaded.settings == Settings()
    assert set(loaded.origins.values()) == {"default"}
    assert "llm.base_url" in loaded.origins


def test_the_file_yields_to_the_environment_and_that_to_flags(tmp_path: Path) -> None:
    write(tmp_path, TOML)
    environ = {"HOPCITE_LLM__MODEL": "from-environment", "HOPCITE_ANSWER__MODE": "never", "PATH": "/bin"}
    loaded = load_settings(folder=tmp_path, environ=environ, flags={"answer.mode": "adaptive", "collection": None})
    settings = loaded.settings
    assert (settings.collection, settings.llm.retries) == ("papers", 1)
    assert (settings.llm.model, settings.answer.mode) == ("from-environment", "adaptive")
    assert loaded.origins["llm.retries"] == "hopcite.toml"
    assert loaded.origins["llm.model"] == "environment HOPCITE_LLM__MODEL"
    assert loaded.origins["answer.mode"] == "flag"
    assert loaded.origins["collection"] == "hopcite.toml", "a flag of None was not given"
    assert loaded.origins["search.hops"] == "default"


def test_the_environment_s_strings_become_the_settings_types(tmp_path: Path) -> None:
    environ = {"HOPCITE_SEARCH__HOPS": "false", "HOPCITE_LLM__TIMEOUT_S": "2.5", "HOPCITE_DATA_DIR": "elsewhere"}
    settings = load_settings(folder=tmp_path, environ=environ).settings
    assert (settings.search.hops, settings.llm.timeout_s, settings.data_dir) == (False, 2.5, Path("elsewhere"))


def test_hopcite_config_names_the_file(tmp_path: Path) -> None:
    write(tmp_path, 'collection = "ignored"')
    other = write(tmp_path, 'collection = "other"', name="team.toml")
    loaded = load_settings(folder=tmp_path, environ={"HOPCITE_CONFIG": str(other)})
    assert (loaded.settings.collection, loaded.origins["collection"]) == ("other", "team.toml")


def test_hopcite_config_that_names_no_file(tmp_path: Path) -> None:
    missing = tmp_path / "missing.toml"
    message = problem(tmp_path, {"HOPCITE_CONFIG": str(missing)})
    assert "HOPCITE_CONFIG" in message
    assert str(missing) in message


@pytest.mark.parametrize("content", [b"[llm\nmodel =", b'collection = "caf\xe9"'], ids=["syntax", "encoding"])
def test_a_file_that_is_not_toml(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "hopcite.toml"
    path.write_bytes(content)
    assert f"{path} is not valid TOML" in problem(tmp_path)


def test_a_byte_order_mark_is_no_part_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "hopcite.toml").write_bytes(b'\xef\xbb\xbfcollection = "papers"\n')
    assert load_settings(folder=tmp_path, environ={}).settings.collection == "papers"


def test_a_tilde_is_the_home_folder(tmp_path: Path) -> None:
    write(tmp_path, 'data_dir = "~/hopcite"')
    assert load_settings(folder=tmp_path, environ={}).settings.data_dir == Path.home() / "hopcite"
    assert "no home folder" in problem(tmp_path, {"HOPCITE_MODEL_DIR": "~nobody-of-this-name/models"})


def test_an_unknown_setting_in_each_layer(tmp_path: Path) -> None:
    assert "'llm.modell' (environment HOPCITE_LLM__MODELL)" in problem(tmp_path, {"HOPCITE_LLM__MODELL": "x"})
    assert "'answer.moed' (flag)" in problem(tmp_path, flags={"answer.moed": "never"})
    write(tmp_path, "[serch]\nhops = true")
    message = problem(tmp_path)
    assert message.startswith("Unknown setting 'serch.hops' (hopcite.toml)")
    assert "hopcite config show" in message


@pytest.mark.parametrize("name", ["HOPCITE_CONFIG_FILE", "HOPCITE_CONFIGURATION", "HOPCITE_TEST"])
def test_a_variable_that_only_begins_like_a_known_one_is_unknown(tmp_path: Path, name: str) -> None:
    assert f"(environment {name})" in problem(tmp_path, {name: "team.toml"})


@pytest.mark.parametrize("table", ["serch", "serch.hops", "search.hosp"])
def test_an_unknown_table_with_nothing_in_it(tmp_path: Path, table: str) -> None:
    write(tmp_path, f"[{table}]")
    assert problem(tmp_path).startswith(f"Unknown setting {table!r} (hopcite.toml)")


def test_a_known_table_with_nothing_in_it(tmp_path: Path) -> None:
    write(tmp_path, "[search]")
    loaded = load_settings(folder=tmp_path, environ={"HOPCITE_SEARCH__HOPS": "false"})
    assert loaded.settings.search.hops is False
    assert loaded.origins.keys() == load_settings(folder=tmp_path / "none", environ={}).origins.keys()
    write(tmp_path, "[collection]")
    assert "'collection' (hopcite.toml) is wrong" in problem(tmp_path)


def test_the_test_variables_are_no_settings(tmp_path: Path) -> None:
    assert load_settings(folder=tmp_path, environ={"HOPCITE_TEST_NO_MODELS": "1"}).settings == Settings()


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("HOPCITE_LLM__RETRIES", "-1", "greater than or equal to 0"),
        ("HOPCITE_LLM__RETRIES", "many", "integer"),
        ("HOPCITE_ANSWER__MODE", "sometimes", "'adaptive', 'always' or 'never'"),
        ("HOPCITE_COLLECTION", "../up", "pattern"),
        ("HOPCITE_LLM__BASE_URL", "gpu-box:8000", "http://"),
        ("HOPCITE_LLM__BASE_URL", "http://gpu-box:abc/v1", "Invalid port: 'abc'"),
        ("HOPCITE_LLM__BASE_URL", "http://gpu-box:99999/v1", "http://gpu-box:8000"),
        ("HOPCITE_RERANK__BASE_URL", "http://[::1/v1", "http://gpu-box:8000"),
        ("HOPCITE_RERANK__BASE_URL", "http:///v1", "http://gpu-box:8000"),
        ("HOPCITE_LLM__BASE_URL", "http://gpu box/v1", "http://gpu-box:8000"),
        ("HOPCITE_QDRANT__URL", "http://h:port", "Invalid port: 'port'"),
        ("HOPCITE_QDRANT__URL", "localhost:6333", "http://"),
        ("HOPCITE_QDRANT__TIMEOUT_S", "inf", "finite number"),
        ("HOPCITE_QDRANT__TIMEOUT_S", "1e300", "less than or equal to 86400"),
        ("HOPCITE_LLM__TIMEOUT_S", "nan", "finite number"),
        ("HOPCITE_SEARCH__NAME_WEIGHT", "inf", "finite number"),
        ("HOPCITE_SEARCH__PREFETCH", "99999999999999999999", "less than or equal to 10000"),
    ],
)
def test_a_wrong_value_names_setting_layer_and_what_is_allowed(
    tmp_path: Path, name: str, value: str, allowed: str
) -> None:
    message = problem(tmp_path, {name: value})
    for part in (f"environment {name}", allowed, repr(value)):
        assert part in message


@pytest.mark.parametrize(
    "address", ["https://gpu-box/v1", "http://[fe80::1]:8000", "http://user:word@10.0.0.1:80/a/v1"]
)
def test_addresses_and_keys_lose_the_space_around_them(tmp_path: Path, address: str) -> None:
    environ = {"HOPCITE_LLM__BASE_URL": f" {address}\r\n", "HOPCITE_LLM__API_KEY": "sesame\n"}
    llm = load_settings(folder=tmp_path, environ=environ).settings.llm
    assert llm.base_url == address
    assert llm.api_key is not None
    assert llm.api_key.get_secret_value() == "sesame"


def test_an_empty_address_or_key_is_none(tmp_path: Path) -> None:
    environ = {"HOPCITE_LLM__BASE_URL": "", "HOPCITE_QDRANT__URL": " ", "HOPCITE_LLM__API_KEY": "\n"}
    assert load_settings(folder=tmp_path, environ=environ).settings == Settings()


@pytest.mark.parametrize("section", ["LLM", "RERANK", "QDRANT"])
@pytest.mark.parametrize("key", ["“sesame”", "sesame\nopen", "sesam\x00"])
def test_a_key_that_no_header_can_carry_is_refused_unprinted(tmp_path: Path, section: str, key: str) -> None:
    message = problem(tmp_path, {f"HOPCITE_{section}__API_KEY": key})
    assert f"environment HOPCITE_{section}__API_KEY" in message
    assert "printable ASCII" in message
    assert "sesam" not in message


def test_a_section_set_to_a_single_value(tmp_path: Path) -> None:
    write(tmp_path, 'llm = "qwen"')
    assert "'llm' (hopcite.toml)" in problem(tmp_path)
    assert "'llm.model' does not exist" in problem(tmp_path, {"HOPCITE_LLM__MODEL": "qwen"})


def test_the_fingerprint_ignores_what_cannot_change_an_answer() -> None:
    plain = Settings()
    moved = Settings(
        data_dir=Path("/elsewhere"),
        model_dir=Path("/models"),
        llm=LLMSettings(base_url="http://gpu-box:8000/v1", api_key=SecretStr("sesame")),
        qdrant=QdrantSettings(url="http://store:6333", api_key=SecretStr("sesame")),
        server=ServerSettings(port=9000),
        telemetry=TelemetrySettings(spans=True),
    )
    assert moved.fingerprint() == plain.fingerprint()
    assert len(plain.fingerprint()) == 12
    assert int(plain.fingerprint(), 16) >= 0
    assert Settings(llm=LLMSettings(model="other")).fingerprint() != plain.fingerprint()
    assert Settings(rerank=RerankSettings(passage_tokens=200)).fingerprint() != plain.fingerprint()


def test_a_key_is_never_printed(tmp_path: Path) -> None:
    settings = load_settings(folder=tmp_path, environ={"HOPCITE_LLM__API_KEY": "sesame"}).settings
    assert settings.llm.api_key is not None
    assert settings.llm.api_key.get_secret_value() == "sesame"
    assert "sesame" not in f"{settings!r} {settings} {settings.model_dump_json()}"


def test_a_key_is_never_printed_when_it_is_wrong(tmp_path: Path) -> None:
    write(tmp_path, "[qdrant]\napi_key = 74656")
    message = problem(tmp_path)
    assert "'qdrant.api_key' (hopcite.toml)" in message
    assert "74656" not in message
