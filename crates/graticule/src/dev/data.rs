//! The data folder: where the databases are, and the secrets that belong to them.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use token::SecretKey;

use crate::exit::Fault;

/// The layout of the folder. A folder of another one is refused.
const FORMAT: u32 = 1;
const FILE: &str = "graticule.json";

/// Where everything is kept.
pub(crate) struct Data {
    folder: Option<PathBuf>,
    /// The file of secrets, locked: two platforms on one folder would take each other's players over. The lock ends
    /// with the process, however that ends.
    _lock: Option<File>,
    pub(crate) secrets: Secrets,
}

/// What the parts of the platform prove themselves with. New in memory each time; kept in a data folder.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Secrets {
    format: u32,
    pub(crate) service_token: String,
    /// A folder that is older than this key gets one.
    #[serde(default = "secret_text")]
    pub(crate) owner_key: String,
    pub(crate) edge_keys: Vec<SecretKey>,
    pub(crate) ticket_keys: Vec<SecretKey>,
}

impl Data {
    /// Opens a folder, or makes it; without one, all is in memory.
    pub(crate) fn open(folder: Option<&Path>) -> Result<Self, Fault> {
        let Some(folder) = folder else {
            return Ok(Self { folder: None, _lock: None, secrets: Secrets::new() });
        };
        let name = folder.display();
        std::fs::create_dir_all(folder)
            .map_err(|error| Fault::usage(format!("the data folder {name} cannot be made: {error}")))?;
        let file = folder.join(FILE);
        let secrets = if file.exists() {
            read(&file)?
        } else {
            let empty = std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
            if !empty {
                let text = format!("the folder {name} is not empty and holds no {FILE}: choose another one");
                return Err(Fault::usage(text));
            }
            only_for_owner(folder, 0o700).map_err(|error| {
                Fault::usage(format!("the data folder {name} cannot be kept private: {error}"))
            })?;
            let secrets = Secrets::new();
            write(&file, &secrets)?;
            secrets
        };
        let lock = lock(&file)?;
        Ok(Self { folder: Some(folder.to_owned()), _lock: Some(lock), secrets })
    }

    /// Where the owner's key is to be found: in the file of secrets, or here and now.
    pub(crate) fn owner_key_place(&self) -> String {
        self.folder.as_ref().map_or_else(
            || self.secrets.owner_key.clone(),
            |folder| format!("owner_key in {}", folder.join(FILE).display()),
        )
    }

    /// The file of a database, if it is kept in one.
    pub(crate) fn file(&self, name: &str) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join(name))
    }
}

/// Claims the folder for this process.
fn lock(file: &Path) -> Result<File, Fault> {
    let name = file.display();
    let lock = File::open(file).map_err(|error| Fault::usage(format!("{name} cannot be read: {error}")))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => {
            let folder = file.parent().unwrap_or(file).display();
            let text = format!(
                "the folder {folder} is in use by another graticule: end that one, or choose another folder"
            );
            Err(Fault::usage(text))
        }
        Err(TryLockError::Error(error)) => Err(Fault::usage(format!("{name} cannot be locked: {error}"))),
    }
}

fn read(file: &Path) -> Result<Secrets, Fault> {
    let name = file.display();
    let fault = |error: &dyn std::fmt::Display| Fault::usage(format!("{name} cannot be read: {error}"));
    let text = std::fs::read_to_string(file).map_err(|error| fault(&error))?;
    let value: serde_json::Value = serde_json::from_str(&text).map_err(|error| fault(&error))?;
    let format = value.get("format").and_then(serde_json::Value::as_u64);
    if format != Some(FORMAT.into()) {
        let found = format.map_or_else(|| "unknown".to_owned(), |format| format.to_string());
        let text = format!(
            "{name} is of format {found}, and this version writes format {FORMAT}: \
             use the version that made it, or another --data folder"
        );
        return Err(Fault::usage(text));
    }
    let complete = value.get("owner_key").is_some();
    let secrets = serde_json::from_value(value).map_err(|error| fault(&error))?;
    if !complete {
        // The key that was made in its place must be the same tomorrow.
        write(file, &secrets)?;
    }
    Ok(secrets)
}

fn write(file: &Path, secrets: &Secrets) -> Result<(), Fault> {
    let text = serde_json::to_string_pretty(secrets).map_err(Fault::failed)?;
    let written = std::fs::write(file, text).and_then(|()| only_for_owner(file, 0o600));
    written.map_err(|error| Fault::usage(format!("{} cannot be written: {error}", file.display())))
}

/// The file holds keys, and the folder what players have told.
fn only_for_owner(path: &Path, mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
}

impl Secrets {
    fn new() -> Self {
        let key = |kid: &str| SecretKey::from_seed(kid, &random());
        Self {
            format: FORMAT,
            service_token: secret_text(),
            owner_key: secret_text(),
            edge_keys: vec![key("edge-1"), key("edge-2")],
            ticket_keys: vec![key("ticket-1"), key("ticket-2")],
        }
    }
}

fn secret_text() -> String {
    random::<24>().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system has random bytes");
    bytes
}
