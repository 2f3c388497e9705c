//! An HTTP server of the test's own, which can stop, come back at the same port, and go away in the
//! middle of a request.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};
use nat_acct_tests::wait::PATIENCE;
use nat_acct_tests::wait_until;

/// What came in.
pub struct Request {
    pub method: String,
    /// Path and query.
    pub target: String,
    pub body: String,
}

/// Gives the body of the answer, or none to break the connection without an answer.
pub type Answer = dyn Fn(&Request) -> Option<String> + Send + Sync;

/// A server that answers with status 200.
pub struct Endpoint {
    address: SocketAddr,
    answer: Arc<Answer>,
    running: Option<Running>,
}

struct Running {
    stopping: Arc<AtomicBool>,
    connections: Arc<Mutex<Vec<TcpStream>>>,
    thread: JoinHandle<()>,
}

impl Endpoint {
    /// Starts at a port of the kernel's choice.
    pub fn start(answer: Arc<Answer>) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        Ok(Self {
            address: listener.local_addr()?,
            running: Some(Running::start(listener, Arc::clone(&answer))),
            answer,
        })
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Breaks all connections and takes no new ones.
    pub fn stop(&mut self) -> Result<()> {
        let Some(running) = self.running.take() else {
            return Ok(());
        };
        running.stopping.store(true, Ordering::SeqCst);
        // Wakes the listener.
        let _ = TcpStream::connect(self.address);
        running.thread.join().expect("the server's thread");
        for connection in running.connections.lock().unwrap().iter() {
            let _ = connection.shutdown(Shutdown::Both);
        }
        Ok(())
    }

    /// While it is stopped: returns when somebody has tried to reach it, and was sent away.
    pub fn wait_for_try(&self) -> Result<()> {
        let listener = self.listen()?;
        listener.set_nonblocking(true)?;
        wait_until(PATIENCE, "a connection", || match listener.accept() {
            Ok(_) => Ok(Some(())),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error.into()),
        })
    }

    /// Comes back at the same port.
    pub fn start_again(&mut self) -> Result<()> {
        let listener = self.listen()?;
        self.running = Some(Running::start(listener, Arc::clone(&self.answer)));
        Ok(())
    }

    fn listen(&self) -> Result<TcpListener> {
        TcpListener::bind(self.address).context("the port is taken")
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}

impl Running {
    fn start(listener: TcpListener, answer: Arc<Answer>) -> Self {
        let stopping = Arc::new(AtomicBool::new(false));
        let connections = Arc::new(Mutex::new(Vec::new()));
        let (stop, all) = (Arc::clone(&stopping), Arc::clone(&connections));
        let thread = thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(copy) = connection.try_clone() else {
                    continue;
                };
                all.lock().unwrap().push(copy);
                let answer = Arc::clone(&answer);
                // A client may break off at any time.
                thread::spawn(move || drop(serve(&connection, &*answer)));
            }
        });
        Self {
            stopping,
            connections,
            thread,
        }
    }
}

fn serve(connection: &TcpStream, answer: &Answer) -> Result<()> {
    let mut reader = BufReader::new(connection);
    while let Some(request) = read(&mut reader, connection)? {
        let Some(body) = answer(&request) else {
            connection.shutdown(Shutdown::Both)?;
            break;
        };
        // One write, or the client's kernel waits before it acknowledges the first.
        let response = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
            body.len(),
            if request.method == "HEAD" { "" } else { &body }
        );
        (&mut &*connection).write_all(response.as_bytes())?;
    }
    Ok(())
}

/// The next request; none at the end of the connection.
fn read(reader: &mut BufReader<&TcpStream>, mut connection: &TcpStream) -> Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, target) = words.next().zip(words.next()).context("no request")?;
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let header = header.trim_end().to_ascii_lowercase();
        match header.split_once(':') {
            Some(("content-length", value)) => length = value.trim().parse()?,
            Some(("expect", _)) => connection.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?,
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(Request {
        method,
        target,
        body: String::from_utf8(body)?,
    }))
}
