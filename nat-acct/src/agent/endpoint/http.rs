//! Metrics by HTTP: `GET /metrics`.

use std::convert::Infallible;

use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;

use super::{listener::Stream, questions::Asker};
use crate::agent::metrics;

const PATH: &str = "/metrics";

/// Answers one request. Errors are those of who asks.
pub(super) async fn answer(stream: Stream, asker: Asker) {
    let respond = |request| respond(request, &asker);
    let _ = http1::Builder::new()
        .keep_alive(false)
        // Who has asked may close his side at once.
        .half_close(true)
        .serve_connection(TokioIo::new(stream), service_fn(respond))
        .await;
}

async fn respond(
    request: Request<Incoming>,
    asker: &Asker,
) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(if request.uri().path() != PATH {
        plain(StatusCode::NOT_FOUND, "metrics are at /metrics\n")
    } else if ![Method::GET, Method::HEAD].contains(request.method()) {
        plain(StatusCode::METHOD_NOT_ALLOWED, "metrics can only be read\n")
    } else {
        metrics(asker).await
    })
}

async fn metrics(asker: &Asker) -> Response<Full<Bytes>> {
    let Some(figures) = asker.ask().await else {
        return plain(StatusCode::SERVICE_UNAVAILABLE, "the agent is stopping\n");
    };
    match metrics::text(figures) {
        Ok(text) => response(StatusCode::OK, metrics::CONTENT_TYPE, text),
        Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR, "cannot write metrics\n"),
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    response(status, "text/plain; charset=utf-8", text)
}

fn response(
    status: StatusCode,
    content_type: &'static str,
    text: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
