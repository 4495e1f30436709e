/** What the server calls the parameters of methods, and their units, in Spanish. */

export const parametersInSpanish: Readonly<Record<string, string>> = {
  "Adaptation": "Adaptación",
  "Background scale": "Escala de B",
  "Certainty of the prior": "Certeza de la previa",
  "Certainty of weights": "Certeza de los pesos",
  "Inflation": "Inflación",
  "Inflation per time": "Inflación por tiempo",
  "Inflation scheme": "Esquema de inflación",
  "Iterations": "Iteraciones",
  "Jitter": "Perturbación",
  "Lag": "Retardo",
  "Localisation radius": "Radio de localización",
  "Relaxation": "Relajación",
  "Rotate": "Rotar",
  "Static weight": "Peso estático",
  "Taper": "Atenuación",
  "cycles": "ciclos",
  "per model time": "por tiempo del modelo",
  "sites": "sitios",
};
