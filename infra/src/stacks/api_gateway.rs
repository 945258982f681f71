//! API Gateway as a second way to the API: an HTTP API with the routes of the route table in front of the same aliases, an
//! authorizer that verifies tokens of the customers' pool, limits for each route, and an access log.
//! docs/decisions/0029-api-gateway-beside-the-load-balancer.md has the reasons.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use shared::session::Pool;
use stratosphere::services::aws::apigatewayv2::{self as gateway, api, authorizer, stage as deployed};
use stratosphere::services::aws::cognito::{self, userpoolclient, userpoolresourceserver};
use stratosphere::services::aws::lambda;
use stratosphere::value::{AWS_ACCOUNT_ID, ExpString};

use super::{Kind, Stack, accounts, log_group};
use crate::routes::{FUNCTIONS, Function, Trigger};
use crate::stage::{ApiGateway, RequireToken, Stage};
use crate::template::{Id, Template, arn, list, logical_id, sub};

/// The output of the app stack with the API's id.
pub const API: &str = "ApiGatewayId";
/// The name of the API's only stage, which is no part of its address.
pub const STAGE: &str = "$default";
const API_RESOURCE: &str = "ApiGateway";
/// The output of the app stack with the client of other programs.
const CLIENT: &str = "ProgramsClient";
/// The output of the app stack with the address at which customers sign in for programs.
const SIGN_IN: &str = "ProgramsSignIn";

/// The resource server of the customers' pool, and the scopes that a program can ask a customer for. A route takes any one of
/// its scopes, so those that only read allow nothing else.
const RESOURCE_SERVER: &str = "shop";
const SCOPES: [(&str, &str); 3] = [
    ("account", "Read the customer's account"),
    ("orders", "Place and cancel orders of the customer"),
    ("submissions", "Rate books, ask for alerts and write to the shop"),
];

/// Headers that scripts of other sites may read: those of `shared/src/http/reply.rs`, and API Gateway's own.
const EXPOSED: [&str; 7] =
    ["apigw-requestid", "etag", "link", "location", "retry-after", "www-authenticate", "x-request-id"];
/// Requests at once that API Gateway takes from an account, in most regions.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html>
const MAX_BURST: u32 = 5_000;
const PREFLIGHT_SECONDS: i32 = 86_400;

/// Validity of a program's tokens.
const ACCESS_MINUTES: i32 = 15;
const REFRESH_DAYS: i32 = 30;

/// Fields of the access log: who asked for what, what came of it, and why a request was refused before it reached a function.
const LOG_FIELDS: [(&str, &str); 12] = [
    ("requestId", "$context.requestId"),
    ("at", "$context.requestTimeEpoch"),
    ("address", "$context.identity.sourceIp"),
    ("method", "$context.httpMethod"),
    ("path", "$context.path"),
    ("route", "$context.routeKey"),
    ("status", "$context.status"),
    ("bytes", "$context.responseLength"),
    ("milliseconds", "$context.responseLatency"),
    ("function", "$context.integrationLatency"),
    ("error", "$context.error.message"),
    ("refused", "$context.authorizer.error"),
];

/// A route of the API.
pub struct ApiRoute {
    pub function: &'static Function,
    pub method: &'static str,
    /// `/api/books/{id}`
    pub path: &'static str,
}

impl ApiRoute {
    pub fn key(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    fn writes(&self) -> bool {
        self.method == "POST"
    }

    /// Whether a request needs a token, and the scopes of which it must have one.
    fn scopes(&self, settings: &ApiGateway) -> Option<Vec<String>> {
        let scope = |name: &str| vec![format!("{RESOURCE_SERVER}/{name}")];
        if self.path.starts_with("/api/account") {
            return Some(scope("account"));
        }
        match settings.require_token {
            RequireToken::Account => None,
            RequireToken::All if self.writes() && self.path.starts_with("/api/orders") => Some(scope("orders")),
            RequireToken::All if self.writes() => Some(scope("submissions")),
            RequireToken::All => Some(SCOPES.map(|(name, _)| format!("{RESOURCE_SERVER}/{name}")).to_vec()),
        }
    }
}

/// Every route of the API, with each of its methods.
pub fn routes() -> Vec<ApiRoute> {
    let of = |function: &'static Function| {
        let routes = function.routes().iter().filter(|route| route.path.starts_with("/api/"));
        routes.flat_map(move |route| {
            route.methods.iter().map(move |method| ApiRoute { function, method, path: route.path })
        })
    };
    FUNCTIONS.iter().flat_map(of).collect()
}

/// The functions behind the API: those of its routes, and the one for requests without a route.
fn functions() -> impl Iterator<Item = &'static Function> {
    let is_unmatched = |function: &Function| matches!(function.trigger, Trigger::Unmatched);
    FUNCTIONS.iter().filter(move |function| {
        is_unmatched(function) || function.routes().iter().any(|route| route.path.starts_with("/api/"))
    })
}

/// The output of the app stack with the alias of a function.
fn alias_output(function: &Function) -> String {
    format!("{}Live", logical_id(function.name))
}

/// Adds to the app stack the API itself, whose id functions compare, and outputs for the other stack.
pub fn add_api(stack: &mut Stack, stage: &Stage, settings: &ApiGateway) {
    // A script writes with a token only: the shop refuses what another site sends without one.
    let methods: &[&str] = match settings.require_token {
        RequireToken::Account => &["GET", "HEAD"],
        RequireToken::All => &["GET", "HEAD", "POST"],
    };
    let cors = api::Cors! {
        allow_origins: list(settings.cors_origins.iter().map(String::as_str)),
        allow_methods: list(methods.iter().copied()),
        // `*` covers all but this one.
        allow_headers: list(["authorization", "content-type", "idempotency-key"]),
        expose_headers: list(EXPOSED),
        max_age: PREFLIGHT_SECONDS,
    };
    let api = stack.template.add(
        API_RESOURCE,
        gateway::Api! {
            name: stage.physical("api").as_str(),
            description: "The shop's API, for programs with tokens of its customers",
            protocol_type: "HTTP",
            cors_configuration: cors,
        },
    );
    stack.template.output(API, api);
}

/// The id of the API, inside the app stack.
pub fn id() -> ExpString {
    ExpString::Ref(API_RESOURCE.into())
}

/// Adds to the app stack the client with which programs of others get tokens: a public one, by a code with PKCE.
pub fn add_client(stack: &mut Stack, stage: &Stage, settings: &ApiGateway) {
    let pool = stack.input(Kind::Data, accounts::pool_output(Pool::Customers), "String");
    // After the pool, so that those of a lost pool are replaced with it.
    let user_pool = stage.user_pool(Pool::Customers);
    let name = stage.physical(&format!("{user_pool}-programs"));
    let id = |part: &str| format!("{}{part}", logical_id(&user_pool));
    let scope = |(name, about): (&str, &str)| {
        userpoolresourceserver::ResourceServerScopeType! { scope_name: name, scope_description: about }
    };
    let server = stack.template.add(
        id("ProgramsScopes"),
        cognito::UserPoolResourceServer! {
            identifier: RESOURCE_SERVER,
            name: "API of the shop",
            scopes: Vec::from(SCOPES.map(scope)),
            user_pool_id: pool,
        },
    );
    let scopes = SCOPES.map(|(name, _)| format!("{RESOURCE_SERVER}/{name}"));
    let scopes = ["openid"].into_iter().chain(scopes.iter().map(String::as_str));
    let client = stack.template.add(
        id("ProgramsClient"),
        cognito::UserPoolClient! {
            client_name: name.as_str(),
            user_pool_id: pool,
            generate_secret: false,
            allowed_o_auth_flows_user_pool_client: true,
            allowed_o_auth_flows: list(["code"]),
            allowed_o_auth_scopes: list(scopes),
            callback_ur_ls: list(settings.callback_urls.iter().map(String::as_str)),
            supported_identity_providers: list(["COGNITO"]),
            explicit_auth_flows: list(["ALLOW_REFRESH_TOKEN_AUTH"]),
            prevent_user_existence_errors: "ENABLED",
            enable_token_revocation: true,
            access_token_validity: ACCESS_MINUTES,
            id_token_validity: ACCESS_MINUTES,
            refresh_token_validity: REFRESH_DAYS,
            token_validity_units: userpoolclient::TokenValidityUnits! {
                access_token: "minutes",
                id_token: "minutes",
                refresh_token: "days",
            },
            read_attributes: list(["email", "email_verified"]),
            // Without a list, a program could write every attribute that has none of the shop's rules.
            write_attributes: list(["email"]),
        },
    );
    stack.template.add_dependency(client, server);
    let sign_in = accounts::pages(stage, Pool::Customers);
    stack.template.output(SIGN_IN, if stage.is_local() { sign_in.as_str().into() } else { sub(&sign_in) });
    if !stage.is_local() {
        // Managed login has no page for a client without a style.
        stack.template.add(
            id("ProgramsStyle"),
            cognito::ManagedLoginBranding! { user_pool_id: pool, client_id: client, use_cognito_provided_values: true },
        );
    }
    stack.template.output(CLIENT, client);
}

/// The stack with routes, integrations, authorizer and the stage of the API.
pub fn stack(stage: &Stage) -> Stack {
    let mut stack = Stack::new(stage, Kind::ApiGateway, "API Gateway in front of the API");
    let Some(settings) = &stage.api_gateway else { return stack };
    let api = stack.input(Kind::App, API, "String");
    let client = stack.input(Kind::App, CLIENT, "String");
    let pool = stack.input(Kind::Data, accounts::pool_output(Pool::Customers), "String");
    let mut integrations = BTreeMap::new();
    for function in functions() {
        let alias = stack.numbered_input(Kind::App, alias_output(function));
        integrations.insert(function.name, integration(&mut stack.template, function, api, alias));
    }
    let template = &mut stack.template;
    let authorizer = template.add(
        "Authorizer",
        gateway::Authorizer! {
            api_id: api,
            name: "customers",
            authorizer_type: "JWT",
            identity_source: list(["$request.header.Authorization"]),
            jwt_configuration: authorizer::JWTConfiguration! {
                audience: list([client]),
                issuer: sub(&format!("https://cognito-idp.${{AWS::Region}}.amazonaws.com/${{{}}}", pool.name())),
            },
        },
    );
    let mut limited = Vec::new();
    for route in routes() {
        let id = format!("{}{}Route", logical_id(&route.method.to_lowercase()), logical_id(route.path));
        let integration = integrations[route.function.name];
        let added =
            add_route(template, id, api, &route.key(), integration, route.scopes(settings).as_deref(), authorizer);
        if route.writes() {
            limited.push(added);
        }
    }
    for function in functions().filter(|function| matches!(function.trigger, Trigger::Unmatched)) {
        add_route(template, "DefaultRoute".to_owned(), api, "$default", integrations[function.name], None, authorizer);
    }
    let deployed = add_stage(template, stage, settings, api);
    // A limit of a route needs the route.
    for route in limited {
        template.add_dependency(deployed, route);
    }
    let url = if stage.is_local() {
        format!("http://127.0.0.1:{}/_aws/execute-api/${{{}}}/$default", stage.port, api.name())
    } else {
        format!("https://${{{}}}.execute-api.${{AWS::Region}}.amazonaws.com", api.name())
    };
    template.output("ApiGatewayUrl", sub(&url));
    stack
}

fn integration(template: &mut Template, function: &Function, api: Id, alias: Id) -> Id {
    let id = logical_id(function.name);
    template.add(
        format!("{id}ApiPermission"),
        lambda::Permission! {
            action: "lambda:InvokeFunction",
            function_name: alias,
            principal: "apigateway.amazonaws.com",
            source_account: AWS_ACCOUNT_ID,
            source_arn: arn("execute-api", &format!("${{{}}}/*", api.name())),
        },
    );
    // A little more than the function has, so that its own timeout comes first.
    let milliseconds = 1_000 * (i32::from(function.timeout_seconds) + 1);
    template.add(
        format!("{id}Integration"),
        gateway::Integration! {
            api_id: api,
            integration_type: "AWS_PROXY",
            integration_uri: alias,
            payload_format_version: "2.0",
            timeout_in_millis: milliseconds,
        },
    )
}

fn add_route(
    template: &mut Template,
    id: String,
    api: Id,
    key: &str,
    integration: Id,
    scopes: Option<&[String]>,
    authorizer: Id,
) -> Id {
    let mut route = gateway::Route! {
        api_id: api,
        route_key: key,
        target: sub(&format!("integrations/${{{}}}", integration.name())),
        authorization_type: if scopes.is_some() { "JWT" } else { "NONE" },
    };
    if let Some(scopes) = scopes {
        route.authorizer_id = Some(authorizer.into());
        route.authorization_scopes = Some(list(scopes.iter().map(String::as_str)));
    }
    let added = template.add(id, route);
    if scopes.is_none() {
        let public =
            "The catalogue and guests' orders are for everybody, as behind the load balancer; limits bound them.";
        template.suppress(added, "CKV_AWS_309", public);
    }
    added
}

/// The log group of requests. Below this prefix, AWS needs no resource policy of the account for each group, which has a limit of
/// size: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-V2-CloudWatchLogs.html>.
fn access_log(stage: &Stage) -> String {
    format!("/aws/vendedlogs/apigateway/{}", stage.physical("api"))
}

fn add_stage(template: &mut Template, stage: &Stage, settings: &ApiGateway, api: Id) -> Id {
    let logs = log_group(template, stage, "ApiLogs".to_owned(), &access_log(stage));
    let format: serde_json::Map<String, Value> =
        LOG_FIELDS.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    let burst = |requests: u32| (2 * requests).min(MAX_BURST);
    let rate = |requests: u32| json!({ "ThrottlingRateLimit": requests, "ThrottlingBurstLimit": burst(requests) });
    let of_writes: serde_json::Map<String, Value> = routes()
        .into_iter()
        .filter(ApiRoute::writes)
        .map(|route| {
            let mut limits = rate(settings.writes_per_second);
            limits["DetailedMetricsEnabled"] = json!(true);
            (route.key(), limits)
        })
        .collect();
    template.add(
        "ApiStage",
        gateway::Stage! {
            api_id: api,
            stage_name: STAGE,
            auto_deploy: true,
            access_log_settings: deployed::AccessLogSettings! {
                destination_arn: logs.att("Arn"),
                format: Value::Object(format).to_string().as_str(),
            },
            default_route_settings: deployed::RouteSettings! {
                detailed_metrics_enabled: true,
                throttling_burst_limit: i32::try_from(burst(settings.requests_per_second)).unwrap_or(i32::MAX),
                throttling_rate_limit: f64::from(settings.requests_per_second),
            },
            route_settings: Value::Object(of_writes),
        },
    )
}
