/** The paths of the listeners' page. All others, such as those of the API and of the ops page, are left to the server. */
export const PLACE = /^\/($|browse\/|queue$|edit$|mixtape(\/[^/]+)?$)/
