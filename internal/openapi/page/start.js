// The page shows the document of this server in the language that the page itself was asked for in.
SwaggerUIBundle({
  url: "/openapi.json" + location.search,
  dom_id: "#swagger-ui",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null, // nobody else is told of the document
});
