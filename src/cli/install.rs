//! `prodsignal install CLIENT`: the files; what becomes of their text is decided in `install`.

use std::{
    fs,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, anyhow, bail};

use super::near;
use crate::{
    config::home,
    install::{self, CLIENTS, Change, Client, Entry, Os, Places, Scope, Start},
};

/// Arguments.
#[derive(clap::Args)]
pub struct Args {
    /// claude-code, claude-desktop, cursor, vscode, windsurf, zed, codex, gemini, jetbrains, opencode, goose, cline, json
    #[arg(required_unless_present = "all")]
    client: Option<String>,
    /// Every client that is found on this machine
    #[arg(long, conflicts_with = "client")]
    all: bool,
    /// Show what would be written and change nothing
    #[arg(long)]
    print: bool,
    /// Take the entry out again
    #[arg(long)]
    uninstall: bool,
    /// For this person's projects, or for everybody who has this project [default: user]
    #[arg(long, value_enum)]
    scope: Option<ScopeName>,
    /// Name of the entry
    #[arg(long, default_value = "prodsignal", value_parser = entry_name)]
    name: String,
    /// Another file than the client's own
    #[arg(long, value_name = "FILE", conflicts_with = "all")]
    file: Option<PathBuf>,
    /// A running `serve` that the agent asks over HTTP, such as https://signal.example.com/mcp
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Environment variable that holds the token for --url; the token itself is never written
    #[arg(long, value_name = "NAME", requires = "url")]
    token_variable: Option<String>,
    /// Print a link that asks the client's user to take the server, where the client has one
    #[arg(long, conflicts_with_all = ["all", "uninstall"])]
    link: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum ScopeName {
    User,
    Project,
}

fn entry_name(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !text.is_empty() && text.len() <= 40 && text.chars().all(fits) {
        Ok(text.to_owned())
    } else {
        Err("1 to 40 letters, digits, '-' and '_'".to_owned())
    }
}

/// `words` are the settings that were given beside: they become part of the command.
pub fn run(words: Vec<String>, args: &Args) -> anyhow::Result<ExitCode> {
    let places = places()?;
    let change = if args.uninstall { Change::Remove } else { Change::Put(entry(words, args)?) };
    if args.all {
        return all(args, &places, &change);
    }
    let asked = args.client.as_deref().unwrap_or_default();
    let Some(client) = install::client(asked) else {
        let names = CLIENTS.iter().map(|client| client.name);
        eprintln!("prodsignal: no client \"{asked}\"{}", near::hint(asked, names));
        return Ok(ExitCode::from(2));
    };
    if args.link {
        return link(client, args, &change);
    }
    one(client, args, &places, &change)?;
    Ok(ExitCode::SUCCESS)
}

fn link(client: &Client, args: &Args, change: &Change) -> anyhow::Result<ExitCode> {
    let Change::Put(entry) = change else { bail!("a link only adds") };
    match client.link(&args.name, entry)? {
        Some(link) => println!("{link}"),
        None => bail!("{} takes no links; install without --link", client.title),
    }
    Ok(ExitCode::SUCCESS)
}

fn all(args: &Args, places: &Places, change: &Change) -> anyhow::Result<ExitCode> {
    let found: Vec<&Client> =
        CLIENTS.iter().filter(|client| client.sign(places).is_some_and(|sign| sign.exists())).collect();
    if found.is_empty() {
        bail!("no client was found on this machine; name one: prodsignal install CLIENT");
    }
    let mut failed = false;
    for client in found {
        if client.file(scope(args, client), places).is_err() {
            println!("{}: has no file for this scope", client.title);
        } else if let Err(error) = one(client, args, places, change) {
            eprintln!("prodsignal: {error:#}");
            failed = true;
        }
    }
    Ok(ExitCode::from(u8::from(failed)))
}

fn scope(args: &Args, client: &Client) -> Scope {
    match args.scope {
        Some(ScopeName::User) => Scope::User,
        Some(ScopeName::Project) => Scope::Project,
        None if client.name == "json" => Scope::Project,
        None => Scope::User,
    }
}

fn one(client: &Client, args: &Args, places: &Places, change: &Change) -> anyhow::Result<()> {
    let file = match &args.file {
        Some(file) => file.clone(),
        None => client.file(scope(args, client), places).map_err(|error| anyhow!("{}: {error}", client.title))?,
    };
    // A link is followed, so that what it points to is changed and the link stays.
    let file = fs::canonicalize(&file).unwrap_or(file);
    let named = || format!("{}, {}", client.title, file.display());
    let before = read(&file).with_context(named)?;
    let after = install::edit(client, &args.name, before.as_deref(), change)
        .map_err(|error| anyhow!("{}: left as it is: {error}", named()))?;
    let Some(after) = after else {
        println!("{}: nothing to do", named());
        return Ok(());
    };
    if args.print {
        println!("{}:\n\n{}", named(), after.trim_end());
        return Ok(());
    }
    let copy = write(&file, before.as_deref(), &after).with_context(named)?;
    let done = if args.uninstall { "removed" } else { "registered" };
    println!("{}: {done} \"{}\"", named(), args.name);
    if let Some(copy) = copy {
        println!("  as it was: {}", copy.display());
    }
    if !args.uninstall {
        println!("  next: {}", client.after);
    }
    Ok(())
}

fn read(file: &Path) -> anyhow::Result<Option<String>> {
    match fs::read(file) {
        Ok(bytes) => Ok(Some(String::from_utf8(bytes).map_err(|_| anyhow!("left as it is: it is not UTF-8"))?)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).context("reading it"),
    }
}

/// Writes beside the file and puts that in its place, so that no reader ever sees half of it. What was there is kept as
/// a copy.
fn write(file: &Path, before: Option<&str>, after: &str) -> anyhow::Result<Option<PathBuf>> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).context("making its folder")?;
    let beside = |end: &str| {
        let mut name = file.file_name().unwrap_or_default().to_owned();
        name.push(end);
        folder.join(name)
    };
    let permissions = fs::metadata(file).ok().map(|found| found.permissions());
    if permissions.as_ref().is_some_and(fs::Permissions::readonly) {
        bail!("left as it is: it is read-only");
    }
    let copy = before.map(|_| beside(".before-prodsignal"));
    if let Some(copy) = &copy {
        fs::copy(file, copy).context("keeping a copy")?;
    }
    let fresh = beside(".prodsignal-new");
    let mut out = fs::File::create(&fresh).context("writing beside it")?;
    out.write_all(after.as_bytes()).and_then(|()| out.sync_all()).context("writing beside it")?;
    if let Some(permissions) = permissions {
        fs::set_permissions(&fresh, permissions).context("keeping its rights")?;
    }
    let now = fs::read(file).ok();
    if now.as_deref() != before.map(str::as_bytes) {
        let _ = fs::remove_file(&fresh);
        bail!("left as it is: another program changed it meanwhile; try again");
    }
    fs::rename(&fresh, file).context("putting it in place")?;
    Ok(copy)
}

fn entry(words: Vec<String>, args: &Args) -> anyhow::Result<Entry> {
    if let Some(url) = &args.url {
        let start = Start::Url { url: url.clone(), token_variable: args.token_variable.clone() };
        return Ok(Entry { start });
    }
    // Launchers of packages say how they were started: their own copy of the program moves with each version.
    let launcher = std::env::var("PRODSIGNAL_LAUNCHER").unwrap_or_default();
    let (command, first): (String, &[&str]) = match launcher.as_str() {
        "npx" => ("npx".to_owned(), &["-y", "prodsignal"]),
        "uvx" => ("uvx".to_owned(), &["prodsignal"]),
        _ => {
            let program = std::env::current_exe().context("the program's own path")?;
            (program.to_str().context("the program's path is not UTF-8")?.to_owned(), &[])
        }
    };
    let args = first.iter().map(|word| (*word).to_owned()).chain(words).chain(["stdio".to_owned()]).collect();
    Ok(Entry { start: Start::Program { command, args } })
}

fn places() -> anyhow::Result<Places> {
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    Ok(Places {
        os: Os::here(),
        home: folder("HOME").or_else(home).context("no home folder is known here; name the file with --file")?,
        xdg_config: folder("XDG_CONFIG_HOME"),
        appdata: folder("APPDATA"),
        codex_home: folder("CODEX_HOME"),
        project: std::env::current_dir().context("the current folder")?,
    })
}
