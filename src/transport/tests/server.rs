//! A server on a bare socket that does to each request what a test wants, also what no decent server does.

use std::{
  sync::{Arc, Mutex},
  time::Duration,
};

use tokio::{
  io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
  net::{TcpListener, TcpStream},
};

/// What is done to a request.
#[derive(Clone)]
pub enum Act {
  /// These bytes are sent, and the connection is closed.
  Send(Vec<u8>),
  /// Nothing is sent, ever.
  Silence,
  /// The connection is reset.
  Reset,
  /// These bytes are sent, and then others without end.
  Flood(Vec<u8>),
  /// These bytes are sent, and then another one now and then, without end.
  Drip(Vec<u8>),
}

/// An answer that is whole.
pub fn answer(status: &str, headers: &[&str], body: &str) -> Act {
  let length = format!("content-length: {}", body.len());
  let head = [&[status, &length, "connection: close"], headers].concat().join("\r\n");
  Act::Send(format!("HTTP/1.1 {head}\r\n\r\n{body}").into_bytes())
}

/// The head of an answer whose body ends with the connection.
pub fn head(status: &str) -> Vec<u8> {
  format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\n\r\n").into_bytes()
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
  head: String,
  pub body: Vec<u8>,
}

impl Request {
  /// The method and the path.
  pub fn line(&self) -> &str {
    self.head.split(" HTTP/").next().unwrap()
  }

  pub fn header(&self, name: &str) -> Option<&str> {
    let mut headers = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
    headers.find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value)
  }

  /// All that the client said of itself.
  pub fn head(&self) -> &str {
    &self.head
  }
}

/// The running server. It ends with the runtime of its test.
pub struct Server {
  pub url: String,
  requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
  /// Starts one that asks `script` what to do to a request. The script is told its own address.
  pub async fn start(script: impl Fn(&str, &Request) -> Act + Send + Sync + 'static) -> Self {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(Mutex::new(Vec::new()));
    let (server, script) =
      (Self { url: url.clone(), requests: requests.clone() }, Arc::new(script));
    tokio::spawn(async move {
      while let Ok((mut stream, _)) = listener.accept().await {
        let (script, requests, url) = (script.clone(), requests.clone(), url.clone());
        tokio::spawn(async move {
          let Some(request) = read(&mut stream).await else { return };
          requests.lock().unwrap().push(request.clone());
          act(stream, script(&url, &request)).await;
        });
      }
    });
    server
  }

  /// One that does the same to every request.
  pub async fn always(act: Act) -> Self {
    Self::start(move |_, _| act.clone()).await
  }

  /// The requests so far.
  pub fn requests(&self) -> Vec<Request> {
    self.requests.lock().unwrap().clone()
  }

  /// Their methods and paths.
  pub fn lines(&self) -> Vec<String> {
    self.requests().iter().map(|request| request.line().to_owned()).collect()
  }
}

/// Reads one request. `None` if the client leaves before it is whole.
pub async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Request> {
  let mut bytes = Vec::new();
  let end = loop {
    if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
      break end;
    }
    if stream.read_buf(&mut bytes).await.ok()? == 0 {
      return None;
    }
  };
  let mut request = Request {
    head: String::from_utf8(bytes[..end].to_vec()).unwrap(),
    body: bytes[end + 4..].to_vec(),
  };
  // A body without a length would be no body for a storage.
  assert_eq!(request.header("transfer-encoding"), None);
  let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
  while request.body.len() < length {
    if stream.read_buf(&mut request.body).await.ok()? == 0 {
      return None;
    }
  }
  Some(request)
}

async fn act(mut stream: TcpStream, act: Act) {
  match act {
    Act::Send(bytes) => send(&mut stream, &bytes).await,
    Act::Silence => {
      let _left = stream.read_to_end(&mut Vec::new()).await;
    }
    Act::Reset => stream.set_zero_linger().unwrap(),
    Act::Flood(head) => {
      send(&mut stream, &head).await;
      while stream.write_all(&[b' '; 16 * 1024]).await.is_ok() {}
    }
    Act::Drip(head) => {
      send(&mut stream, &head).await;
      while stream.write_all(b" ").await.is_ok() {
        tokio::time::sleep(Duration::from_millis(20)).await;
      }
    }
  }
}

/// Sends the bytes. Whether anybody still reads them is not the server's business.
pub async fn send(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) {
  let _left = stream.write_all(bytes).await;
  let _left = stream.flush().await;
}
