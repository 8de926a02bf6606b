//! TLS, live on loopback: authorities of one's own, HTTP/2, regions, redirects, sub-paths; and where the token goes.
//! Certificates are made here. A proxy of the test leads `sentry.io` to loopback.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, Once},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use prodsignal::{backend::sentry::SentryStore, store::SignalStore};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, pki_types::PrivatePkcs8KeyDer},
};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

use super::double::{self, Double, double, options};
use crate::program::program;

/// An authority of the test's own.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    folder: tempfile::TempDir,
}

impl Authority {
    fn new() -> Self {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        Self { issuer: Issuer::new(params, key), folder }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// What a server with these names offers: HTTP/2 first.
    fn server(&self, names: &[&str]) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &self.issuer).unwrap();
        let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        let mut config =
            ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate.into()], key).unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config
    }
}

/// What stands in front of plain servers and speaks TLS for them.
struct Front {
    port: u16,
    /// Protocols that were agreed on.
    agreed: Arc<Mutex<Vec<String>>>,
}

impl Front {
    /// Each name leads to the server beside it.
    async fn new(authority: &Authority, hosts: &[(&'static str, &MockServer)]) -> Self {
        let names: Vec<&str> = hosts.iter().map(|(name, _)| *name).collect();
        let acceptor = TlsAcceptor::from(Arc::new(authority.server(&names)));
        let behind: Vec<(&str, SocketAddr)> = hosts.iter().map(|(name, server)| (*name, *server.address())).collect();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let agreed = Arc::new(Mutex::new(Vec::new()));
        let heard = agreed.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, behind, heard) = (acceptor.clone(), behind.clone(), heard.clone());
                tokio::spawn(async move {
                    // Who does not trust the certificate goes away.
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let connection = stream.get_ref().1;
                    let name = connection.server_name().unwrap_or_default().to_owned();
                    let protocol = connection.alpn_protocol().unwrap_or_default();
                    heard.lock().unwrap().push(String::from_utf8_lossy(protocol).into_owned());
                    let (_, address) = behind.iter().find(|(known, _)| *known == name).unwrap();
                    let mut plain = TcpStream::connect(address).await.unwrap();
                    let _ = copy_bidirectional(&mut stream, &mut plain).await;
                });
            }
        });
        Self { port, agreed }
    }

    fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.port)
    }

    fn agreed(&self) -> Vec<String> {
        self.agreed.lock().unwrap().clone()
    }

    /// A proxy that leads whatever it is asked for here, and notes it.
    async fn proxy(&self) -> (String, Arc<Mutex<Vec<String>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (port, asked) = (self.port, Arc::new(Mutex::new(Vec::new())));
        let noted = asked.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let noted = noted.clone();
                tokio::spawn(async move {
                    let mut stream = BufReader::new(stream);
                    let mut line = String::new();
                    stream.read_line(&mut line).await.unwrap();
                    noted.lock().unwrap().push(line.split(' ').nth(1).unwrap_or_default().to_owned());
                    while line.trim() != "" {
                        line.clear();
                        stream.read_line(&mut line).await.unwrap();
                    }
                    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                    let mut there = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                    let _ = copy_bidirectional(&mut stream, &mut there).await;
                });
            }
        });
        (address, asked)
    }
}

fn store(url: &str, ca_file: Option<PathBuf>) -> SentryStore {
    SentryStore::new(prodsignal::backend::sentry::Options { ca_file, ..options(url, "sntryu_own") }).unwrap()
}

async fn slugs(store: &SentryStore) -> Result<Vec<String>, String> {
    let asked = prodsignal::store::Scope::default();
    let projects = store.projects(&asked).await;
    projects.map(|list| list.into_iter().map(|project| project.slug).collect()).map_err(|error| error.to_string())
}

async fn received(server: &MockServer) -> Vec<Request> {
    server.received_requests().await.unwrap()
}

async fn answering(respond: impl Respond + 'static) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(respond).mount(&server).await;
    server
}

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted_when_its_file_is_named() {
    let (authority, server) = (Authority::new(), double().await);
    let front = Front::new(&authority, &[("localhost", &server)]).await;
    let store = store(&front.url(""), Some(authority.file()));
    assert!(slugs(&store).await.unwrap().contains(&"shop".to_owned()));
    assert!(slugs(&store).await.is_ok());
    let agreed = front.agreed();
    assert!(agreed.iter().all(|protocol| protocol == "h2") && !agreed.is_empty(), "{agreed:?}");
}

#[tokio::test]
async fn what_is_not_trusted_gets_no_request_and_the_error_says_what_to_do() {
    let (authority, server) = (Authority::new(), double().await);
    let front = Front::new(&authority, &[("localhost", &server)]).await;
    let other = Authority::new();
    for ca_file in [None, Some(other.file())] {
        let said = slugs(&store(&front.url(""), ca_file)).await.unwrap_err();
        assert!(said.contains("certificate") && said.contains("--sentry-ca"), "{said}");
    }
    let elsewhere = format!("https://127.0.0.1:{}", front.port);
    let said = slugs(&store(&elsewhere, Some(authority.file()))).await.unwrap_err();
    assert!(said.contains("certificate") && said.contains("name"), "{said}");
    assert!(received(&server).await.is_empty());
}

#[tokio::test]
async fn a_redirect_to_another_host_does_not_carry_the_token() {
    let (authority, other) = (Authority::new(), double().await);
    let to = Arc::new(Mutex::new(String::new()));
    let place = to.clone();
    let moved = move |_: &Request| ResponseTemplate::new(302).insert_header("location", place.lock().unwrap().as_str());
    let server = answering(moved).await;
    let front = Front::new(&authority, &[("localhost", &server), ("other.localhost", &other)]).await;
    for host in
        [format!("https://other.localhost:{}", front.port), other.uri(), format!("http://localhost:{}", front.port)]
    {
        *to.lock().unwrap() = format!("{host}/api/0/organizations/acme/projects/");
        let said = slugs(&store(&front.url(""), Some(authority.file()))).await.unwrap_err();
        assert!(said.contains("redirects to another address"), "{said}");
    }
    assert!(received(&other).await.is_empty());
}

#[tokio::test]
async fn a_redirect_within_the_host_is_followed() {
    let authority = Authority::new();
    let moved = |request: &Request| match request.url.path().strip_prefix("/api/0/moved") {
        Some(_) => {
            let mut request = request.clone();
            request.url.set_path("/api/0/organizations/acme/projects/");
            Double.respond(&request)
        }
        None => ResponseTemplate::new(302).insert_header("location", "/api/0/moved/"),
    };
    let server = answering(moved).await;
    let front = Front::new(&authority, &[("localhost", &server)]).await;
    assert!(slugs(&store(&front.url(""), Some(authority.file()))).await.is_ok());
    let last = received(&server).await.pop().unwrap();
    assert_eq!(
        (last.url.path(), last.headers["authorization"].to_str().unwrap()),
        ("/api/0/moved/", "Bearer sntryu_own")
    );
}

#[tokio::test]
async fn an_installation_below_a_path_is_asked_there_alone() {
    let authority = Authority::new();
    let below = |request: &Request| match request.url.path().strip_prefix("/watch/sentry") {
        Some(rest) => {
            let mut request = request.clone();
            request.url.set_path(rest);
            Double.respond(&request)
        }
        None => ResponseTemplate::new(404),
    };
    let server = answering(below).await;
    let front = Front::new(&authority, &[("localhost", &server)]).await;
    for path in ["/watch/sentry", "/watch/sentry/", "/watch/sentry/api/0/"] {
        let store = store(&front.url(path), Some(authority.file()));
        assert!(slugs(&store).await.unwrap().contains(&"shop".to_owned()), "{path}");
    }
    assert!(received(&server).await.iter().all(|request| request.url.path().starts_with("/watch/sentry/api/")));
}

/// The service: its front, and the region that the front names.
struct Service {
    control: MockServer,
    region: MockServer,
    authority: Authority,
    proxy: String,
    connected: Arc<Mutex<Vec<String>>>,
}

impl Service {
    async fn new(region_url: &'static str) -> Self {
        let authority = Authority::new();
        let control = answering(move |request: &Request| match request.url.path() {
            "/api/0/organizations/acme/" => {
                let mut organisation = double::file("organization");
                organisation["links"]["regionUrl"] = region_url.into();
                ResponseTemplate::new(200).set_body_json(organisation)
            }
            _ => Double.respond(request),
        });
        let (control, region) = (control.await, double().await);
        let front = Front::new(&authority, &[("sentry.io", &control), ("de.sentry.io", &region)]).await;
        let (proxy, connected) = front.proxy().await;
        Self { control, region, authority, proxy, connected }
    }

    /// Calls the program, which knows nothing but the service's name.
    async fn projects(&self, token: &str) -> Value {
        let mut command = program();
        command.args(["--sentry-org", "acme", "--sentry-ca"]).arg(self.authority.file());
        command.args(["call", "--json", "list_projects", "{}"]);
        command.env("PRODSIGNAL_SENTRY_TOKEN", token).env("HTTPS_PROXY", &self.proxy).env_remove("NO_PROXY");
        command.env("XDG_CONFIG_HOME", self.authority.folder.path());
        let done = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        serde_json::from_slice(&done.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&done.stderr)))
    }

    fn hosts(&self) -> Vec<String> {
        let mut hosts = self.connected.lock().unwrap().clone();
        hosts.sort();
        hosts.dedup();
        hosts
    }
}

fn paths(requests: &[Request]) -> Vec<&str> {
    requests.iter().map(|request| request.url.path()).collect()
}

#[tokio::test]
async fn the_region_that_the_service_names_is_asked_with_the_token() {
    let service = Service::new("https://de.sentry.io").await;
    let said = service.projects("sntryu_own").await;
    assert_eq!(said["projects"][0]["slug"], "shop", "{said}");
    let (control, region) = (received(&service.control).await, received(&service.region).await);
    assert_eq!(paths(&control), ["/api/0/organizations/acme/"]);
    assert!(paths(&region).contains(&"/api/0/organizations/acme/projects/"), "{:?}", paths(&region));
    assert!(control.iter().chain(&region).all(|request| request.headers["authorization"] == "Bearer sntryu_own"));
    assert_eq!(service.hosts(), ["de.sentry.io:443", "sentry.io:443"]);
}

#[tokio::test]
async fn an_organisations_token_leads_to_its_region_without_a_hop() {
    let service = Service::new("https://de.sentry.io").await;
    let carried = json!({ "iat": 1, "url": "https://sentry.io", "region_url": "https://de.sentry.io", "org": "acme" });
    let said = service.projects(&format!("sntrys_{}_c2VjcmV0", STANDARD.encode(carried.to_string()))).await;
    assert_eq!(said["projects"][0]["slug"], "shop", "{said}");
    assert!(received(&service.control).await.is_empty());
    assert_eq!(service.hosts(), ["de.sentry.io:443"]);
}

#[tokio::test]
async fn a_region_that_is_not_the_services_gets_nothing() {
    for elsewhere in ["https://de.sentry.io.evil.example", "https://evil.example", "http://de.sentry.io"] {
        let service = Service::new(elsewhere).await;
        let said = service.projects("sntryu_own").await;
        assert_eq!(said["projects"][0]["slug"], "shop", "{said}");
        assert_eq!(service.hosts(), ["sentry.io:443"], "{elsewhere}");
    }
}
