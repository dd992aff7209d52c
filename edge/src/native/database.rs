//! SQLite in the place of D1, with the same migrations.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rusqlite::types::{Value as Sql, ValueRef};
use rusqlite::{Connection, params_from_iter};
use serde_json::Value;

use crate::store::{Database, DatabaseError, Row, Statement};

/// Every migration, in order. The names are those of the files, as wrangler notes them.
const MIGRATIONS: [(&str, &str); 3] = [
    ("0001_accounts.sql", include_str!("../../../migrations/d1/0001_accounts.sql")),
    ("0002_regions.sql", include_str!("../../../migrations/d1/0002_regions.sql")),
    ("0003_bans.sql", include_str!("../../../migrations/d1/0003_bans.sql")),
];

/// The table in which wrangler notes what it has applied.
const NOTES: &str = "CREATE TABLE IF NOT EXISTS d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, \
                     name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)";

/// Why a database is refused.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// It was written by a newer Graticule, or by something else.
    #[error(
        "the edge's database holds migration {found:?}, which this version does not know: use the version that made it, or another data folder"
    )]
    Unknown {
        /// The migration.
        found: String,
    },
    /// SQLite failed.
    #[error("the edge's database cannot be opened: {0}")]
    Sqlite(#[from] rusqlite::Error),
}

/// A SQLite database.
pub struct SqliteDatabase {
    connection: Mutex<Connection>,
}

impl SqliteDatabase {
    /// Opens a file, or a database in memory, and brings it up to date.
    pub fn open(path: Option<&Path>) -> Result<Self, MigrationError> {
        let mut connection = match path {
            Some(path) => Connection::open(path)?,
            None => Connection::open_in_memory()?,
        };
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;",
        )?;
        migrate(&mut connection)?;
        Ok(Self { connection: Mutex::new(connection) })
    }
}

fn migrate(connection: &mut Connection) -> Result<(), MigrationError> {
    connection.execute_batch(NOTES)?;
    let applied: Vec<String> = connection
        .prepare("SELECT name FROM d1_migrations ORDER BY id")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    if let Some(found) = applied.iter().find(|name| MIGRATIONS.iter().all(|(known, _)| known != name)) {
        return Err(MigrationError::Unknown { found: found.clone() });
    }
    for (name, sql) in MIGRATIONS.iter().filter(|(name, _)| !applied.iter().any(|done| done == name)) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(sql)?;
        transaction.execute("INSERT INTO d1_migrations (name) VALUES (?1)", [name])?;
        transaction.commit()?;
    }
    Ok(())
}

impl Database for SqliteDatabase {
    async fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Vec<Row>>, DatabaseError> {
        // Statements here take microseconds; a thread of their own would cost more.
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let mut run_all = || {
            let transaction = connection.transaction()?;
            let rows = statements.iter().map(|statement| run(&transaction, statement));
            let rows = rows.collect::<Result<Vec<_>, _>>()?;
            transaction.commit()?;
            Ok(rows)
        };
        run_all().map_err(|error: rusqlite::Error| DatabaseError(error.to_string()))
    }
}

fn run(connection: &Connection, (sql, values): &Statement) -> Result<Vec<Row>, rusqlite::Error> {
    let mut statement = connection.prepare_cached(sql)?;
    let columns: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
    let mut rows = statement.query(params_from_iter(values.iter().map(to_sql)))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let mut read = Row::new();
        for (index, column) in columns.iter().enumerate() {
            read.insert(column.clone(), from_sql(row.get_ref(index)?));
        }
        found.push(read);
    }
    Ok(found)
}

fn to_sql(value: &Value) -> Sql {
    match value {
        Value::Number(number) => number.as_i64().map_or(Sql::Null, Sql::Integer),
        Value::String(text) => Sql::Text(text.clone()),
        _ => Sql::Null,
    }
}

fn from_sql(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Integer(number) => number.into(),
        ValueRef::Real(number) => number.into(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into(),
        ValueRef::Null | ValueRef::Blob(_) => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_migration_is_listed() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations/d1");
        let files =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut files: Vec<String> = files.filter(|name| name != "README.md").collect();
        files.sort();
        assert_eq!(files, MIGRATIONS.map(|(name, _)| name));
    }

    #[test]
    fn a_database_from_the_future_is_refused_and_an_old_one_is_brought_up() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        migrate(&mut connection).unwrap();
        connection.execute("INSERT INTO d1_migrations (name) VALUES ('9999_later.sql')", []).unwrap();
        let error = migrate(&mut connection).unwrap_err();
        assert!(error.to_string().contains("9999_later.sql"), "{error}");
    }
}
