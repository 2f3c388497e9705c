//! DuckDB, from its Python package: over the compressed lines, and over Parquet sorted for the question.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{Asked, load::Loaded, questions::Questions};
use crate::process::Cmd;

const VERSION: &str = "1.5.6";
const SCRIPT: &str = include_str!("duck.py");

/// Without the package there is nothing, which the page says.
pub fn ask(questions: &Questions, loaded: &Loaded, dir: &Path) -> Result<Vec<Asked>> {
    let Some(python) = install(dir) else {
        return Ok(Vec::new());
    };
    let asked: Vec<_> = questions
        .iter()
        .map(|question| {
            json!([
                format!("{}:{}", question.ip, question.port),
                question.time_us
            ])
        })
        .collect();
    let parquet = dir.join("day.parquet");
    let (script, questions) = (dir.join("duck.py"), dir.join("questions.json"));
    fs::write(&script, SCRIPT)?;
    fs::write(&questions, Value::from(asked).to_string())?;
    let files = [&script, &loaded.lines, &parquet, &questions];
    let names: Vec<_> = files.map(|file| file.display().to_string()).into();
    let told = Cmd::of(&python)
        .args(names.iter().map(String::as_str))
        .stdout()?;
    let told: Value = serde_json::from_str(&told).context("DuckDB has told no JSON")?;
    let records = loaded.records as f64;
    Ok(vec![
        result(
            "DuckDB over lines",
            &told["lines"],
            loaded.compressed_bytes as f64 / records,
            "the compressed lines, read for each of three questions",
        ),
        result(
            "DuckDB over Parquet",
            &told["parquet"],
            fs::metadata(&parquet)?.len() as f64 / records,
            "one file, sorted by translated endpoint and start, in a process that has it open",
        ),
    ])
}

fn install(dir: &Path) -> Option<PathBuf> {
    let venv = dir.join("venv");
    Cmd::new("python3 -m venv")
        .arg(venv.display().to_string())
        .run()
        .ok()?;
    let python = venv.join("bin/python");
    let package = format!("duckdb=={VERSION}");
    let installed = Cmd::of(&python)
        .args(["-m", "pip", "install", "-q", &package])
        .run();
    installed.ok().map(|()| python)
}

fn result(name: &'static str, told: &Value, bytes_a_record: f64, remark: &str) -> Asked {
    let times = told["ms"].as_array().into_iter().flatten();
    Asked {
        name,
        version: VERSION.to_owned(),
        imported: told["records_per_s"].as_f64().into_iter().collect(),
        warm_ms: times.filter_map(Value::as_f64).collect(),
        cold_ms: Vec::new(),
        peak_bytes: told["peak_bytes"].as_u64().unwrap_or_default(),
        bytes_a_record,
        remark: remark.to_owned(),
    }
}
