//! The handlers of one thread: those of all functions of the service, each with its login to the database.

use std::{collections::BTreeMap, env};

use anyhow::{Context, Result, bail};
use hyper::{Method, header::HeaderMap};
use infra::{
    containers::{Dispatch, Service},
    routes::Function,
};
use shared::{
    App, Request,
    app::{STAGE, WARM_UP_TIMEOUT},
    aws::task_sdk_config,
    database::Login,
    error::ApiError,
    handler::Handlers,
    http::Response,
    lambda::ORIGIN,
    metrics::Metrics,
};

use crate::Site;

/// The functions of a service, for requests of one thread.
pub struct Shop {
    dispatch: Dispatch,
    served: BTreeMap<&'static str, Served>,
    unmatched: &'static str,
    origin: Option<String>,
}

struct Served {
    app: App,
    handlers: Handlers,
    metrics: Metrics,
}

impl Shop {
    /// Reads the parameters, and connects to the database, if it answers. `connections` is the most that this thread opens.
    ///
    /// # Errors
    /// The environment lacks a setting, or the parameters cannot be read.
    pub async fn open(service: Service, connections: usize) -> Result<Self> {
        let functions: Vec<&Function> = service.functions().collect();
        let logins: Vec<Login> = functions.iter().map(|function| login(function)).collect();
        let stage = env::var(STAGE).with_context(|| format!("{STAGE} is not set"))?;
        let mut served = BTreeMap::new();
        let mut connected = Vec::new();
        for ((function, app), login) in
            functions.iter().zip(App::of_several(&task_sdk_config(), &logins, connections)?).zip(&logins)
        {
            if login.has_account() && !connected.contains(login) && connected.len() < connections {
                app.warm_up(WARM_UP_TIMEOUT).await;
                connected.push(*login);
            }
            let handlers =
                handlers(function.name).with_context(|| format!("{} has no handlers here", function.name))?;
            handlers.prepare(&app).await;
            let metrics = Metrics::of(format!("anaquel-{stage}-{}", function.name));
            served.insert(function.name, Served { app, handlers, metrics });
        }
        if let Some(first) = served.values().next() {
            // Without them a task could answer nothing; another one, or the version before, does.
            first.app.config().await.context("reading the parameters")?;
        }
        let dispatch = Dispatch::new(service);
        let unmatched = dispatch.unmatched();
        let shop = Self { dispatch, served, unmatched, origin: env::var(ORIGIN).ok() };
        shop.probe(service).await?;
        Ok(shop)
    }

    /// Asks each route once, as a release asks a new version of a function: a task of defective code ends before it serves, and ECS
    /// keeps those of the image before.
    ///
    /// # Errors
    /// A route answers 500. A database that is away is no defect.
    async fn probe(&self, service: Service) -> Result<()> {
        for route in service.functions().flat_map(|function| service.routes(function)) {
            let (path, query) = route.probe.split_once('?').unwrap_or((route.probe, ""));
            let method = Method::from_bytes(route.methods[0].as_bytes())?;
            let request = Request::from_http(method, path, query, HeaderMap::new(), Vec::new(), "probe");
            let request = request.of_shop(self.origin.as_deref());
            let served = self.of(&request);
            match served.handlers.probe(&served.app, &request).await {
                503 => {
                    tracing::warn!(path, "Starting without the other probes: something is away");
                    return Ok(());
                }
                status @ 500.. => bail!("the probe {} {path} got status {status}", request.method),
                _ => {}
            }
        }
        Ok(())
    }

    /// A route of the other service has no function here, so that an API that needs a token is not behind pages.
    fn of(&self, request: &Request) -> &Served {
        let function = self.dispatch.function(request.method.as_str(), request.raw_path());
        self.served.get(function).unwrap_or_else(|| &self.served[self.unmatched])
    }
}

impl Site for Shop {
    /// The response of the function whose route it is.
    async fn respond(&self, request: Request) -> Response {
        let request = request.of_shop(self.origin.as_deref());
        let served = self.of(&request);
        served.handlers.respond(&served.app, &served.metrics, &request).await
    }

    fn refuse(&self, request: Request, error: &ApiError) -> Response {
        let request = request.of_shop(self.origin.as_deref());
        self.of(&request).handlers.refuse(&request, error)
    }
}

fn login(function: &Function) -> Login {
    Login::Of { role: function.database, reads_replicas: function.reads_replicas }
}

fn handlers(function: &str) -> Option<Handlers> {
    Some(match function {
        "check-health" => check_health::handlers(),
        "list-addresses" => list_addresses::handlers(),
        "list-books" => list_books::handlers(),
        "list-genres" => list_genres::handlers(),
        "list-ratings" => list_ratings::handlers(),
        "place-order" => place_order::handlers(),
        "serve-assets" => serve_assets::handlers(),
        "serve-cover" => serve_cover::handlers(),
        "show-about" => show_about::handlers(),
        "show-account" => show_account::handlers(),
        "show-author" => show_author::handlers(),
        "show-book" => show_book::handlers(),
        "show-home" => show_home::handlers(),
        "show-not-found" => show_not_found::handlers(),
        "show-order" => show_order::handlers(),
        "show-submission" => show_submission::handlers(),
        "submit-alert" => submit_alert::handlers(),
        "submit-contact" => submit_contact::handlers(),
        "submit-rating" => submit_rating::handlers(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_of_a_service_has_its_handlers() {
        for service in Service::ALL {
            for function in service.functions() {
                assert!(handlers(function.name).is_some(), "{}", function.name);
            }
        }
    }
}
