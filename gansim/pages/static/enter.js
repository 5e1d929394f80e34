// A visitor who follows a link from elsewhere comes without the cookie, which browsers send to a page's own requests
// alone. This page asks once more, so that it does; what the address holds behind "#" comes along.

if (!sessionStorage.getItem("asked")) {
  sessionStorage.setItem("asked", "1");
  location.replace(`/enter${location.hash}`);
} else {
  sessionStorage.removeItem("asked");
}
