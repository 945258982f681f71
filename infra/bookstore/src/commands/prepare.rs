//! `bookstore prepare`: renews `.sqlx/`, the descriptions of all statements that the compiler checks SQL against.
//!
//! New SQL does not compile before it is prepared, and this command is compiled with it: then run the one that was built
//! before, `target/debug/bookstore prepare`.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use infra::{database_settings, stage::Stage};
use sqlx::{AssertSqlSafe, Connection, MySqlConnection, migrate::Migrator};

use crate::{
    cargo,
    local::{Claim, Home, MariaDb},
};

/// A fixed name, because sqlx writes it into the files.
const DATABASE: &str = "anaquel_dev";

#[derive(Args)]
pub struct Prepare {
    /// Only check that the committed files are up to date
    #[arg(long)]
    check: bool,
}

pub async fn run(args: &Prepare) -> Result<()> {
    let home = Home::find("prepare")?;
    let _claim = Claim::take(&home).await?;
    let server = MariaDb::start(&home, &database_settings::settings(&Stage::load("local")?)).await?;
    let outcome = prepare(&server, args.check).await;
    MariaDb::stop(&home).await?;
    outcome
}

/// Describes every statement against a database that has just been migrated.
pub async fn prepare(server: &MariaDb, only_check: bool) -> Result<()> {
    let (root, target) = cargo::workspace().await?;
    make_database(server, &root).await?;
    let committed = root.join(".sqlx");
    let fresh = target.join("sqlx-fresh");
    _ = fs::remove_dir_all(&fresh);
    fs::create_dir_all(&fresh).with_context(|| format!("creating {}", fresh.display()))?;
    describe(server, &root, &fresh).await?;
    let (old, new) = (files(&committed)?, files(&fresh)?);
    if only_check {
        ensure!(
            old == new,
            "`.sqlx` does not match the schema and the SQL: run `cargo bookstore prepare` and commit it"
        );
    } else if old != new {
        _ = fs::remove_dir_all(&committed);
        fs::create_dir_all(&committed)?;
        for (name, content) in &new {
            fs::write(committed.join(name), content)?;
        }
        outln!(".sqlx has {} statements", new.len());
    }
    Ok(())
}

/// Runs the migrations of the folder; those compiled into this command may be older.
async fn make_database(server: &MariaDb, workspace: &Path) -> Result<()> {
    let mut root = MySqlConnection::connect(&server.root_url("mysql")).await?;
    let drop = format!("drop database if exists {DATABASE}");
    let create = format!("create database {DATABASE} character set utf8mb4 collate utf8mb4_uca1400_ai_ci");
    sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut root).await?;
    sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut root).await?;
    root.close().await?;
    let mut database = MySqlConnection::connect(&server.root_url(DATABASE)).await?;
    let migrations = Migrator::new(workspace.join("shared/migrations")).await.context("reading the migrations")?;
    migrations.run(&mut database).await.context("running the migrations")?;
    database.close().await?;
    Ok(())
}

/// Compiles the packages that have SQL, whose macros write the descriptions. Their source files get a new modification time
/// meanwhile, because a fresh crate would not be compiled; the old time is restored, so that the next build is short.
async fn describe(server: &MariaDb, root: &Path, folder: &Path) -> Result<()> {
    let mut touched = Vec::new();
    let packages = packages_with_sql(root)?;
    for package in &packages {
        let path = package.join("src/lib.rs");
        let file = File::options().append(true).open(&path).with_context(|| format!("opening {}", path.display()))?;
        let before = file.metadata()?.modified()?;
        file.set_modified(SystemTime::now())?;
        touched.push((file, before));
    }
    let described = check(server, root, &packages, folder).await;
    for (file, before) in touched {
        file.set_modified(before)?;
    }
    described
}

async fn check(server: &MariaDb, root: &Path, packages: &[PathBuf], folder: &Path) -> Result<()> {
    let mut cargo = cargo::cargo_command();
    cargo.arg("check");
    for package in packages {
        cargo.arg("--package").arg(package.file_name().context("a package has a name")?);
    }
    cargo
        .args(["--all-targets", "--quiet", "--locked"])
        .current_dir(root)
        .env("SQLX_OFFLINE", "false")
        .env("SQLX_OFFLINE_DIR", folder)
        .env("DATABASE_URL", server.root_url(DATABASE));
    if !cargo.status().await.context("cargo could not be started")?.success() {
        bail!("the SQL does not fit the schema");
    }
    Ok(())
}

/// The folders of the packages with statements that the compiler checks.
fn packages_with_sql(root: &Path) -> Result<Vec<PathBuf>> {
    let mut folders = vec![root.join("shared")];
    for entry in fs::read_dir(root.join("functions"))? {
        folders.push(entry?.path());
    }
    let mut packages = Vec::new();
    for folder in folders {
        if has_sql(&folder.join("src"))? {
            packages.push(folder);
        }
    }
    Ok(packages)
}

fn has_sql(folder: &Path) -> Result<bool> {
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        let found = if path.is_dir() {
            has_sql(&path)?
        } else {
            let text = fs::read_to_string(&path).unwrap_or_default();
            ["query!(", "query_as!(", "query_scalar!("].iter().any(|macro_| text.contains(macro_))
        };
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}

fn files(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    if !folder.exists() {
        return Ok(BTreeMap::new());
    }
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        files.insert(entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path())?);
    }
    Ok(files)
}
